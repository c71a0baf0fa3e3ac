import { describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import { modern } from "./harness/http.ts";
import { createServer, useServer } from "./harness/servers.ts";

const pixel = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00, 0xfe]);
let prompted = 0;

const everything = useEverything();
const target = useServer((server) => {
  server.resource("test://text", { mimeType: "text/plain" }, () => "grüße");
  server.resource("test://binary", { mimeType: "image/png" }, () => new Uint8Array(pixel));
  server.resource("test://empty-text", {}, () => "");
  server.resource("test://gone", {}, () => undefined);
  server.resource("test://no-contents", {}, () => []);
  server.resource("test://bad-blob", {}, () => [{ uri: "test://bad-blob", blob: "%%%" }]);
  server.resource(
    "test://item/{id}",
    { complete: { id: ({ value }) => [`${value}1`, `${value}2`] } },
    ({ variables }) =>
      variables["id"] === "missing" ? undefined : `item ${String(variables["id"])}`,
  );
  server.prompt(
    "greet",
    {
      arguments: {
        who: {
          required: true,
          complete: ({ value }) => manyNames.filter((name) => name.startsWith(value)),
        },
        tone: { complete: ({ chosen }) => [`tone for ${chosen["who"] ?? "nobody"}`] },
        free: {},
      },
    },
    ({ who, tone }) => {
      prompted++;
      return `Greet ${who} ${tone ?? "plainly"}`;
    },
  );
  server.prompt("picture", {}, () => [
    {
      role: "user",
      content: { type: "image", data: pixel.toString("base64"), mimeType: "image/png" },
    },
    {
      role: "user",
      content: {
        type: "resource",
        resource: { uri: "test://text", mimeType: "text/plain", text: "x" },
      },
    },
  ]);
  const broken: Record<string, unknown> = {
    bad_base64: { type: "image", data: "%%%", mimeType: "image/png" },
    no_mime: { type: "image", data: "AAAA" },
    no_uri: { type: "resource", resource: { text: "x" } },
    no_content: { type: "resource", resource: { uri: "test://text" } },
    unknown_kind: { type: "hologram", data: "AAAA" },
  };
  for (const [name, content] of Object.entries(broken)) {
    server.prompt(name, {}, () => [{ role: "user", content: content as never }]);
  }
  server.prompt("bad_role", {}, () => [
    { role: "system" as never, content: { type: "text", text: "x" } },
  ]);
});
const manyNames = Array.from({ length: 150 }, (_, index) => `name-${index}`);

const read = (uri: unknown, url = target.url) => modern(url, "resources/read", { uri });

describe("resources", () => {
  it("[S26-41d] are text, or bytes in base64, as they were written", async () => {
    const text = await read("test://text");
    expect(text.message?.result?.["contents"]).toEqual([
      { uri: "test://text", mimeType: "text/plain", text: "grüße" },
    ]);
    const binary = await read("test://binary");
    const [content] = (binary.message?.result?.["contents"] ?? []) as {
      blob: string;
      mimeType: string;
    }[];
    expect(content?.mimeType).toBe("image/png");
    expect(Buffer.from(content?.blob ?? "", "base64").equals(pixel)).toBe(true);
    expect(content).not.toHaveProperty("text");
  });

  it("[S26-41d] are never sent with a blob that is no base64", async () => {
    const { message, text } = await read("test://bad-blob");
    expect(message?.error?.code).toBe(-32603);
    expect(text).not.toContain("%%%");
  });

  it("[S26-41a] may be empty and still exist", async () => {
    const { message } = await read("test://empty-text");
    expect(message?.result?.["contents"]).toMatchObject([{ text: "" }]);
  });

  it.each([
    ["an unknown URI", "test://unknown"],
    ["an unknown scheme", "nothing://at/all"],
    ["a reader that finds nothing", "test://gone"],
    ["a reader without contents", "test://no-contents"],
    ["a template's reader that finds nothing", "test://item/missing"],
  ])("[S26-41a, S26-06a] do not exist: %s", async (_case, uri) => {
    const { message } = await read(uri);
    expect(message?.error).toMatchObject({ code: -32602, data: { uri } });
  });

  it("[S26-41a] do not exist in apps/everything either", async () => {
    const uri = "test://no-such-resource";
    const { message } = await read(uri, everything.url);
    expect(message?.error).toMatchObject({ code: -32602, data: { uri } });
  });

  it.each([
    ["no URI", undefined],
    ["a number", 7],
    ["a list", ["test://text"]],
    ["no scheme", "text"],
    ["nothing", ""],
    ["a path", "/etc/passwd"],
    ["a line break", "test://te\nxt"],
  ])("[S26-41b] are refused with a URI that is %s", async (_case, uri) => {
    const { status, message } = await modern(target.url, "resources/read", { uri });
    expect(status).toBeLessThan(500);
    expect([-32602, -32020]).toContain(message?.error?.code);
  });

  it.each(["", "no-scheme", "://x", "1http://x", "te st://x", "test://{unclosed", "test://a b"])(
    "[S26-41e] are not registered under %j",
    (uri) => {
      expect(() => createServer((server) => server.resource(uri, {}, () => ""))).toThrow(
        /resource|template/,
      );
    },
  );
});

describe("prompts", () => {
  const get = (name: unknown, args?: unknown) =>
    modern(target.url, "prompts/get", { name, ...(args !== undefined && { arguments: args }) });

  it("[S26-42a] get their arguments", async () => {
    const { message } = await get("greet", { who: "Ada", tone: "warmly" });
    expect(message?.result?.["messages"]).toMatchObject([
      { role: "user", content: { type: "text", text: "Greet Ada warmly" } },
    ]);
  });

  it.each([
    ["no arguments", undefined],
    ["a required argument missing", {}],
    ["a number", { who: 7 }],
    ["an object", { who: {} }],
    ["null", { who: null }],
    ["an optional argument that is no text", { who: "Ada", tone: 1 }],
    ["a list instead of an object", []],
    ["a text instead of an object", "who"],
  ])("[S26-42a] are refused before the handler runs: %s", async (_case, args) => {
    prompted = 0;
    const { message } = await get("greet", args);
    expect(message?.error?.code).toBe(-32602);
    expect(prompted).toBe(0);
  });

  it.each(["no_such_prompt", "__proto__", "toString"])("do not exist: %s", async (name) => {
    expect((await get(name)).message?.error?.code).toBe(-32602);
  });

  it("[S26-42b] carry media as base64 with its type, and resources with URI and content", async () => {
    const { message } = await get("picture");
    expect(message?.result?.["messages"]).toMatchObject([
      { content: { type: "image", data: pixel.toString("base64"), mimeType: "image/png" } },
      { content: { type: "resource", resource: { uri: "test://text", text: "x" } } },
    ]);
  });

  it.each(["bad_base64", "no_mime", "no_uri", "no_content", "unknown_kind", "bad_role"])(
    "[S26-42b] are never sent with content that is none: %s",
    async (name) => {
      const { message, text } = await get(name);
      expect(message?.error?.code).toBe(-32603);
      expect(text).not.toContain("%%%");
    },
  );
});

describe("completion", () => {
  const complete = (params: Record<string, unknown>, url = target.url) =>
    modern(url, "completion/complete", params);
  const greet = { type: "ref/prompt", name: "greet" };

  it("[S26-45a] suggests by what was typed and chosen", async () => {
    const typed = await complete({ ref: greet, argument: { name: "who", value: "name-14" } });
    expect(typed.message?.result?.["completion"]).toMatchObject({
      values: [
        "name-14",
        "name-140",
        "name-141",
        "name-142",
        "name-143",
        "name-144",
        "name-145",
        "name-146",
        "name-147",
        "name-148",
        "name-149",
      ],
    });
    const chosen = await complete({
      ref: greet,
      argument: { name: "tone", value: "" },
      context: { arguments: { who: "Ada" } },
    });
    expect(chosen.message?.result?.["completion"]).toMatchObject({ values: ["tone for Ada"] });
  });

  it("[S26-45a] sends 100 values at most, and says that there are more", async () => {
    const { message } = await complete({ ref: greet, argument: { name: "who", value: "" } });
    const completion = message?.result?.["completion"] as {
      values: string[];
      total: number;
      hasMore: boolean;
    };
    expect(completion.values).toHaveLength(100);
    expect(completion).toMatchObject({ total: 150, hasMore: true });
  });

  it("[S26-45a] suggests for the variables of a template", async () => {
    const ref = { type: "ref/resource", uri: "test://item/{id}" };
    const { message } = await complete({ ref, argument: { name: "id", value: "4" } });
    expect(message?.result?.["completion"]).toMatchObject({ values: ["41", "42"] });
  });

  it("[S26-45a] suggests nothing for an argument without a completer", async () => {
    const { message } = await complete({ ref: greet, argument: { name: "free", value: "" } });
    expect(message?.result?.["completion"]).toMatchObject({ values: [] });
  });

  it.each([
    ["no ref", { argument: { name: "who", value: "" } }],
    [
      "an unknown kind of ref",
      { ref: { type: "ref/tool", name: "x" }, argument: { name: "who", value: "" } },
    ],
    [
      "an unknown prompt",
      { ref: { type: "ref/prompt", name: "x" }, argument: { name: "who", value: "" } },
    ],
    [
      "an unknown template",
      { ref: { type: "ref/resource", uri: "x://{y}" }, argument: { name: "y", value: "" } },
    ],
    ["no argument", { ref: greet }],
    ["an argument without a value", { ref: greet, argument: { name: "who" } }],
    ["a value that is no text", { ref: greet, argument: { name: "who", value: 7 } }],
    ["a ref that is a text", { ref: "greet", argument: { name: "who", value: "" } }],
  ])("[S26-45a] is refused with %s", async (_case, params) => {
    const { status, message } = await complete(params);
    expect(status).toBeLessThan(500);
    expect(message?.error?.code).toBe(-32602);
  });

  it("answers in apps/everything", async () => {
    const ref = { type: "ref/prompt", name: "test_prompt_with_arguments" };
    const { message } = await complete(
      { ref, argument: { name: "arg1", value: "test" } },
      everything.url,
    );
    const { values } = (message?.result?.["completion"] ?? { values: [] }) as { values: string[] };
    expect(values.length).toBeGreaterThan(0);
    for (const value of values) expect(value).toMatch(/^test/);
  });
});
