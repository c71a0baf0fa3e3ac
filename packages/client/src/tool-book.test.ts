import { afterEach, describe, expect, it } from "vitest";
import { createEraCache } from "./era-cache.ts";
import { MCPClient } from "./mcp-client.ts";
import { type Answer, ScriptedMCP, stream } from "./scripted-mcp.test-support.ts";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A legacy server with one tool, whose calls answer `{ sum: 5 }`. */
async function clientOf(list: Answer): Promise<{ server: ScriptedMCP; client: MCPClient }> {
  const call = () => ({ content: [], structuredContent: { sum: 5 } });
  const server = await ScriptedMCP.open({ "tools/list": list, "tools/call": call }, "legacy");
  const client = new MCPClient({ url: server.url, eraCache: createEraCache() });
  closing.push(
    () => server.close(),
    () => client.close(),
  );
  return { server, client };
}

const add = (type: "integer" | "string") => ({
  name: "add",
  inputSchema: { type: "object" },
  outputSchema: { type: "object", properties: { sum: { type } } },
});

/** The first list is out of date when it arrives. */
const changing =
  (before: readonly object[], after: readonly object[]): Answer =>
  ({ id }, response, times) => {
    if (times > 0) return { tools: after };
    const tell = stream(response);
    tell({ method: "notifications/tools/list_changed" });
    tell({ id, result: { tools: before } });
    response.end();
    return undefined;
  };

describe("a list of tools", () => {
  it("is read once, also when reading it opens the connection", async () => {
    const { server, client } = await clientOf(() => ({ tools: [add("integer")] }));
    await client.listTools();
    await client.callTool("add");
    expect(server.count("tools/list")).toBe(1);
  });

  it("that changed while it was read is read again for the schema of a result", async () => {
    const { server, client } = await clientOf(changing([add("string")], [add("integer")]));
    expect(await client.listTools()).toHaveLength(1);
    expect(await client.callTool("add")).toMatchObject({ structuredContent: { sum: 5 } });
    expect(server.count("tools/list")).toBe(2);
  });

  it("that changed while a page of it was read is none either", async () => {
    const { client } = await clientOf(changing([add("string")], [add("integer")]));
    expect((await client.listToolsPage()).tools).toHaveLength(1);
    expect(await client.callTool("add")).toMatchObject({ structuredContent: { sum: 5 } });
  });

  it("that gained a tool while it was read does not pass for all there is", async () => {
    const { client } = await clientOf(changing([], [add("string")]));
    await client.listTools();
    await expect(client.callTool("add")).rejects.toMatchObject({ code: "invalid_output" });
  });
});
