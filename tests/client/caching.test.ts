import { type InputHandlers, ResponseCache } from "@backplane/client";
import { describe, expect, it } from "vitest";
import { askFor, formQuestion } from "./harness/answers.ts";
import { clientOf, eras, scripted } from "./harness/clients.ts";
import type { ScriptedServerOptions } from "./harness/scripted-server.ts";

const kept = { ttlMs: 60_000 };

function reading(cacheScope: "public" | "private"): ScriptedServerOptions {
  return {
    era: "modern",
    script: {
      "resources/read": (request) => {
        const uri = request.message.params?.["uri"];
        const text = `${uri} for ${request.headers.authorization}`;
        request.result({ contents: [{ uri, text }], cacheScope, ...kept });
      },
    },
  };
}

const textOf = ({ contents }: { contents: readonly unknown[] }) =>
  (contents[0] as { text: string }).text;

describe("a kept result", () => {
  it("is given without asking again, [C26-19a] for the same params only", async () => {
    const server = await scripted(reading("private"));
    const client = clientOf(server);
    const [one, again, other] = [
      await client.readResource("a:1"),
      await client.readResource("a:1"),
      await client.readResource("a:2"),
    ];
    expect(textOf(again)).toBe(textOf(one));
    expect(textOf(other)).toContain("a:2");
    expect(server.count("resources/read")).toBe(2);
  });

  it("is asked for again once its time is over", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "resources/read": (request) =>
          request.result({ contents: [{ uri: "a:1", text: "x" }], ttlMs: 0 }),
      },
    });
    const client = clientOf(server);
    await client.readResource("a:1");
    await client.readResource("a:1");
    expect(server.count("resources/read")).toBe(2);
  });

  it("[C26-19b] is not what a request with answers brought", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "resources/read": (request) => {
          if (request.message.params?.["inputResponses"] === undefined) {
            return askFor(request, { inputRequests: { user: formQuestion() } });
          }
          request.result({
            contents: [{ uri: "a:1", text: "yours" }],
            cacheScope: "public",
            ...kept,
          });
        },
      },
    });
    const handlers: InputHandlers = { elicit: { form: () => ({ action: "decline" }) } };
    const client = clientOf(server, { handlers });
    await client.readResource("a:1");
    await client.readResource("a:1");
    expect(server.count("resources/read")).toBe(4);
  });

  it("[C26-19c] that is private stays with its credentials", async () => {
    const server = await scripted(reading("private"));
    const cache = new ResponseCache();
    const ada = clientOf(server, { cache, auth: "token-of-ada" });
    const alan = clientOf(server, { cache, auth: "token-of-alan" });
    expect(textOf(await ada.readResource("a:1"))).toContain("ada");
    expect(textOf(await alan.readResource("a:1"))).toContain("alan");
    expect(
      textOf(await clientOf(server, { cache, auth: "token-of-ada" }).readResource("a:1")),
    ).toContain("ada");
    expect(server.count("resources/read")).toBe(2);
  });

  it("that is public may be shared", async () => {
    const server = await scripted(reading("public"));
    const cache = new ResponseCache();
    await clientOf(server, { cache, auth: "token-of-ada" }).readResource("a:1");
    await clientOf(server, { cache, auth: "token-of-alan" }).readResource("a:1");
    expect(server.count("resources/read")).toBe(1);
  });
});

describe("[C26-19d] what is tried again", () => {
  it("waits longer each time, by chance", async () => {
    const times: number[] = [];
    const server = await scripted({
      era: "modern",
      script: {
        "tools/list": (request) => {
          times.push(performance.now());
          request.text("", 503);
        },
      },
    });
    const retry = { initialDelayMs: 20, jitter: "equal" } as const;
    const waits = async () => {
      times.length = 0;
      const client = clientOf(server, { maxRetries: 4, retry, circuitBreaker: false });
      await client.listTools().catch(() => undefined);
      return times.slice(1).map((time, index) => time - (times[index] as number));
    };
    const [one, other] = [await waits(), await waits()];
    expect(one).toHaveLength(4);
    // Half of each delay is certain, and the delays double: 10, 20, 40 and 80 at least.
    for (const [index, wait] of one.entries())
      expect(wait).toBeGreaterThanOrEqual(10 * 2 ** index - 2);
    expect(one).not.toEqual(other);
  });
});

describe.each(eras)("%s: a cursor", (era) => {
  it.each(["", " ", "a b", "ü\n", '{"page":2}'])(
    "[C26-20a] goes back as it came: %j",
    async (cursor) => {
      const got: unknown[] = [];
      const server = await scripted({
        era,
        script: {
          "tools/list": (request) => {
            got.push(request.message.params?.["cursor"]);
            const tools = [{ name: `t${got.length}`, inputSchema: { type: "object" } }];
            request.result({ tools, ...(got.length === 1 && { nextCursor: cursor }) });
          },
        },
      });
      expect(await clientOf(server).listTools()).toHaveLength(2);
      expect(got).toEqual([undefined, cursor]);
    },
  );

  it("[C26-20b] may follow an empty page, and pages of any size", async () => {
    const sizes = [0, 3, 1, 0, 2];
    const server = await scripted({
      era,
      script: {
        "tools/list": (request) => {
          const page = Number(request.message.params?.["cursor"] ?? 0);
          const tools = Array.from({ length: sizes[page] ?? 0 }, (_, index) => ({
            name: `t${page}.${index}`,
            inputSchema: { type: "object" },
          }));
          const nextCursor = page + 1 < sizes.length ? { nextCursor: String(page + 1) } : {};
          request.result({ tools, ...nextCursor });
        },
      },
    });
    expect(await clientOf(server).listTools()).toHaveLength(6);
  });
});

describe.each(eras)("%s: structured content", (era) => {
  it("[C26-21b] is checked against the schema of its tool", async () => {
    const outputSchema = { type: "object", properties: { n: { type: "number" } } };
    let n: unknown = 1;
    const server = await scripted({
      era,
      tools: [{ name: "work", inputSchema: { type: "object" }, outputSchema }],
      script: {
        "tools/call": (request) => request.result({ content: [], structuredContent: { n } }),
      },
    });
    const client = clientOf(server);
    expect(await client.call("work")).toEqual({ n: 1 });
    n = "one";
    await expect(client.call("work")).rejects.toMatchObject({ code: "invalid_output" });
  });
});
