import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { MCPClient, type MCPClientOptions } from "@backplane/client";
import { ToolExecutionError } from "@backplane/protocol";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { closing } from "../client/harness/clients.ts";
import { freePort } from "../tooling/fixture.ts";
import { onlySse } from "./harness/backplane.ts";
import { startChildServer } from "./harness/child-servers.ts";

const require = createRequire(import.meta.url);
const script = (name: string) =>
  join(dirname(require.resolve(`@modelcontextprotocol/${name}/package.json`)), "dist", "index.js");

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "official-servers-")));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const asked: string[] = [];
const handlers: NonNullable<MCPClientOptions["handlers"]> = {
  elicit: {
    form: ({ requestedSchema }) => {
      asked.push(...Object.keys(requestedSchema.properties as object));
      return { action: "accept", content: { name: "Ada" } };
    },
    url: ({ url }) => {
      asked.push(url);
      return { action: "accept" };
    },
  },
  sample: () => ({ role: "assistant", model: "fixed", content: { type: "text", text: "sampled" } }),
  roots: () => [{ uri: `file://${folder}`, name: "home" }],
};

function stdio(name: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const options = { command: process.execPath, args: [script(name), ...args], env };
  // It does not end with its stdin.
  const shutdown = { stdinEndMs: 100 };
  return { stdio: { ...options, shutdown, stderr: "ignore" } } as const;
}

async function connected(target: Partial<MCPClientOptions>): Promise<MCPClient> {
  const client = closing(new MCPClient({ handlers, ...target }));
  await client.connect();
  return client;
}

const ports = { streamableHttp: 0, sse: 0 };

describe("server-everything", () => {
  beforeAll(async () => {
    for (const transport of ["streamableHttp", "sse"] as const) {
      ports[transport] = await freePort();
      const env = { PORT: String(ports[transport]) };
      await startChildServer(script("server-everything"), [transport], /listening|running/i, env);
    }
  });

  const targets: [string, () => Partial<MCPClientOptions>][] = [
    ["stdio", () => stdio("server-everything", ["stdio"])],
    ["Streamable HTTP", () => ({ url: `http://127.0.0.1:${ports.streamableHttp}/mcp` })],
    ["HTTP+SSE", () => ({ url: `http://127.0.0.1:${ports.sse}/sse`, eraCache: onlySse })],
    ["HTTP+SSE, found by itself", () => ({ url: `http://127.0.0.1:${ports.sse}/sse` })],
  ];

  describe.each(targets)("over %s", (_name, target) => {
    it("is a legacy server, whose tools can be listed and called", async () => {
      const client = await connected(target());
      expect(client.era).toBe("legacy");
      await client.ping();
      const names = (await client.listTools()).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(["echo", "get-sum", "get-tiny-image"]));
      expect(await client.call("echo", { message: "hello" })).toBe("Echo: hello");
      expect(await client.call("get-sum", { a: 2, b: 3 })).toContain("5");
      const weather = await client.call("get-structured-content", { location: "Chicago" });
      expect(weather).toMatchObject({ temperature: 36, humidity: 82 });
      const image = await client.callTool("get-tiny-image");
      expect(image.content.map(({ type }) => type)).toContain("image");
      await expect(client.call("get-sum", { a: "two" })).rejects.toThrow();
    });

    it("reports progress", async () => {
      const client = await connected(target());
      const seen: number[] = [];
      await client.callTool(
        "trigger-long-running-operation",
        { duration: 0.3, steps: 3 },
        { onProgress: ({ progress }) => seen.push(progress) },
      );
      expect(seen).toEqual([1, 2, 3]);
    });

    it("asks for a form, a page, a model and roots", async () => {
      asked.length = 0;
      const client = await connected(target());
      const form = await client.call("trigger-elicitation-request");
      expect(String(form)).toContain("Ada");
      expect(String(form)).toContain("It was a dark and stormy night.");
      const page = { url: "https://example.com/confirm" };
      await client.call("trigger-url-elicitation", page);
      expect(asked).toEqual(expect.arrayContaining(["name", "check", page.url]));
      const sampled = await client.call("trigger-sampling-request", { prompt: "hello" });
      expect(String(sampled)).toContain("sampled");
      await vi.waitFor(async () => {
        expect(String(await client.call("get-roots-list"))).toContain(folder);
      });
    });

    it("answers with an error that wants a page opened first, which the user may decline", async () => {
      const declining = { ...handlers, elicit: { url: () => ({ action: "decline" }) as const } };
      const client = await connected({ ...target(), handlers: declining });
      const args = { url: "https://example.com/first", errorPath: true };
      await expect(client.call("trigger-url-elicitation", args)).rejects.toMatchObject({
        code: -32_042,
        data: { elicitations: [{ mode: "url", url: expect.stringMatching(/^https:/) }] },
      });
    });

    it("has resources, templates, prompts and completions", async () => {
      const client = await connected(target());
      const resources = await client.listResources();
      expect(resources.length).toBeGreaterThan(0);
      const { contents } = await client.readResource(resources[0]?.uri ?? "");
      expect(contents[0]).toHaveProperty("text");
      const templates = await client.listResourceTemplates();
      expect(templates.length).toBeGreaterThan(0);
      const prompts = (await client.listPrompts()).map(({ name }) => name);
      expect(prompts).toContain("simple-prompt");
      expect((await client.getPrompt("simple-prompt")).messages.length).toBeGreaterThan(0);
      const ref = { type: "ref/prompt", name: "completable-prompt" } as const;
      const { values } = await client.complete(ref, { name: "department", value: "E" });
      expect(values).toContain("Engineering");
    });

    it("tells of a resource that changed", async () => {
      const client = await connected(target());
      const [resource] = await client.listResources();
      const changed: string[] = [];
      const listening = await client.subscribe(resource?.uri ?? "", (uri) => changed.push(uri));
      await client.callTool("toggle-subscriber-updates");
      await vi.waitFor(() => expect(changed).toContain(resource?.uri), { timeout: 15_000 });
      await client.callTool("toggle-subscriber-updates");
      await listening.close();
    });
  });
});

describe("server-filesystem", () => {
  it("works in the folder that it was given", async () => {
    const client = await connected(stdio("server-filesystem", [folder]));
    const path = join(folder, "note.txt");
    await client.call("write_file", { path, content: "from Backplane" });
    expect(JSON.stringify(await client.call("read_text_file", { path }))).toContain(
      "from Backplane",
    );
    expect(JSON.stringify(await client.call("list_directory", { path: folder }))).toContain(
      "note.txt",
    );
    await expect(client.call("read_text_file", { path: "/etc/passwd" })).rejects.toSatisfy(
      ToolExecutionError.isInstance,
    );
  });

  it("works in the roots of the client", async () => {
    const client = await connected(stdio("server-filesystem"));
    await vi.waitFor(
      async () => {
        expect(JSON.stringify(await client.call("list_allowed_directories"))).toContain(folder);
      },
      { timeout: 10_000 },
    );
  });
});

describe("server-memory", () => {
  it("keeps a graph, and its structured output fits its schemas", async () => {
    const file = join(folder, "memory.jsonl");
    const client = await connected(stdio("server-memory", [], { MEMORY_FILE_PATH: file }));
    const entity = { name: "Ada", entityType: "person", observations: ["wrote the first program"] };
    await client.call("create_entities", { entities: [entity] });
    await client.call("create_relations", {
      relations: [{ from: "Ada", to: "Ada", relationType: "is" }],
    });
    expect(await client.call("read_graph")).toMatchObject({
      entities: [entity],
      relations: [{ relationType: "is" }],
    });
    expect(await client.call("search_nodes", { query: "first program" })).toMatchObject({
      entities: [{ name: "Ada" }],
    });
  });
});
