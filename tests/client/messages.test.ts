import { describe, expect, it } from "vitest";
import { done, metaKey, metaOf, requestsOf } from "./harness/answers.ts";
import { startCanary } from "./harness/canary.ts";
import { clientOf, eras, scripted } from "./harness/clients.ts";

describe("a request", () => {
  it.each(eras)("[C26-01a] has an id that no running request has: %s", async (era) => {
    const server = await scripted({ era });
    const client = clientOf(server);
    await Promise.all(Array.from({ length: 50 }, () => client.callTool("work")));
    const ids = requestsOf(server, "tools/call").map(({ message }) => message.id);
    expect(ids.every((id) => typeof id === "string" || Number.isSafeInteger(id))).toBe(true);
    expect(new Set(ids).size).toBe(50);
  });

  it("[C26-01b, C26-01c] says version, capabilities and client each time", async () => {
    const server = await scripted({ era: "modern" });
    const client = clientOf(server, { info: { name: "ada", version: "1.2.3" } });
    await client.listTools();
    await client.callTool("work");
    await client.ping();
    expect(server.received.length).toBeGreaterThanOrEqual(4);
    for (const request of server.received) {
      expect(metaOf(request)).toMatchObject({
        [`${metaKey}protocolVersion`]: "2026-07-28",
        [`${metaKey}clientCapabilities`]: {},
        [`${metaKey}clientInfo`]: { name: "ada", version: "1.2.3" },
      });
    }
  });

  it.each(eras)(
    "[C26-17] has a progress token of its own among those that run: %s",
    async (era) => {
      const server = await scripted({ era });
      const client = clientOf(server);
      const onProgress = () => undefined;
      await Promise.all(
        Array.from({ length: 20 }, () => client.callTool("work", {}, { onProgress })),
      );
      const tokens = requestsOf(server, "tools/call").map(
        (request) => metaOf(request)["progressToken"],
      );
      expect(tokens.every((token) => typeof token === "string" || Number.isInteger(token))).toBe(
        true,
      );
      expect(new Set(tokens).size).toBe(20);
    },
  );
});

describe("a result", () => {
  it("[C26-02a] without resultType is complete", async () => {
    const server = await scripted({
      era: "modern",
      script: {
        "tools/call": (request) =>
          request.json({ jsonrpc: "2.0", id: request.message.id, result: done }),
      },
    });
    expect((await clientOf(server).callTool("work")).content).toEqual(done["content"]);
  });

  it("[C26-02b] with an unknown resultType is invalid", async () => {
    const server = await scripted({
      era: "modern",
      script: { "tools/call": (request) => request.result({ ...done, resultType: "someday" }) },
    });
    await expect(clientOf(server).callTool("work")).rejects.toMatchObject({
      code: "invalid_response",
    });
  });

  it.each(eras)(
    "[C26-04b] with unknown _meta, of reserved keys too, is what it is: %s",
    async (era) => {
      const meta = {
        [`${metaKey}protocolVersion`]: "1999-01-01",
        [`${metaKey}unheard-of`]: { retry: true },
        "mcp.example/x": 1,
        "com.example/y": [2],
      };
      const server = await scripted({
        era,
        script: { "tools/call": (request) => request.result({ ...done, _meta: meta }) },
      });
      const client = clientOf(server);
      expect((await client.callTool("work"))._meta).toEqual(meta);
      await client.callTool("work");
      expect(server.count("tools/call")).toBe(2);
    },
  );
});

describe("an error", () => {
  it.each([-32_000, -32_001, -32_019])(
    "[C26-03a] %i of a server's own means nothing",
    async (code) => {
      const server = await scripted({
        era: "modern",
        script: { "tools/list": (request) => request.error(code, "own", { why: 1 }) },
      });
      await expect(clientOf(server, { maxRetries: 3 }).listTools()).rejects.toMatchObject({
        code,
        message: "own",
        data: { why: 1 },
      });
      expect(server.count("tools/list")).toBe(1);
    },
  );

  it.each(eras)("[C26-03b] -32002 reaches the caller: %s", async (era) => {
    const server = await scripted({
      era,
      script: { "resources/read": (request) => request.error(-32_002, "no such", { uri: "a:b" }) },
    });
    await expect(clientOf(server).readResource("a:b")).rejects.toMatchObject({
      code: -32_002,
      data: { uri: "a:b" },
    });
  });
});

it.each(eras)("[C26-05a] icons of server and tools are not fetched: %s", async (era) => {
  const canary = await startCanary();
  const icons = [{ src: `${canary.url}/icon.svg`, mimeType: "image/svg+xml" }];
  const server = await scripted({
    era,
    tools: [{ name: "work", inputSchema: { type: "object" }, icons }],
  });
  const client = clientOf(server);
  expect((await client.listTools())[0]).toMatchObject({ icons });
  await client.callTool("work");
  expect(canary.visits).toEqual([]);
});

it("[C26-06] a modern server that sends requests gets no response", async () => {
  const server = await scripted({
    era: "modern",
    script: {
      "tools/call": (request) => {
        const stream = request.stream();
        for (const method of ["ping", "roots/list", "elicitation/create", "no/such"]) {
          stream.message({ jsonrpc: "2.0", id: method, method, params: {} });
        }
        stream.message({
          jsonrpc: "2.0",
          id: request.message.id,
          result: request.complete(done),
        });
        stream.end();
      },
    },
  });
  const client = clientOf(server, { handlers: { roots: [] } });
  await client.callTool("work");
  await client.callTool("work");
  await client.close();
  expect(server.count("response")).toBe(0);
});
