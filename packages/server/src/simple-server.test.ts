import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ERAS, RawClient } from "./client.test-support.ts";
import { SimpleMCPServer } from "./index.ts";

describe.each(ERAS)("SimpleMCPServer, %s", (era) => {
  const simple = new SimpleMCPServer("dev")
    .tool(
      "get_weather",
      "Get weather",
      { location: z.string().min(1), days: z.number().optional() },
      ({ location, days }) => ({ location, days: days ?? 1 }),
    )
    .tool("now", "A constant", {}, () => "noon");

  it("serves synchronous handlers with typed arguments", async () => {
    const client = await RawClient.connect(simple.server, era);
    const result = await client.call("get_weather", { location: "Rome" });
    expect(result.structuredContent).toEqual({ location: "Rome", days: 1 });
    expect((await client.call("now")).content).toEqual([{ type: "text", text: "noon" }]);
  });

  it("advertises one object schema, in which only what must be given is required", async () => {
    const client = await RawClient.connect(simple.server, era);
    const { tools } = (await client.result("tools/list")) as { tools: { inputSchema: object }[] };
    expect(tools[0]?.inputSchema).toMatchObject({
      type: "object",
      properties: { location: { type: "string", minLength: 1 }, days: { type: "number" } },
      required: ["location"],
    });
  });

  it("takes a library that validates asynchronously", async () => {
    const slow = z.string().refine(async (text) => text !== "bad");
    const asking = new SimpleMCPServer("slow").tool(
      "t",
      "Takes its time",
      { slow },
      (args) => args,
    );
    const client = await RawClient.connect(asking.server, era);
    expect((await client.call("t", { slow: "good" })).structuredContent).toEqual({ slow: "good" });
    expect((await client.call("t", { slow: "bad" })).isError).toBe(true);
  });

  it("names the argument that is wrong", async () => {
    const client = await RawClient.connect(simple.server, era);
    const result = await client.call("get_weather", { location: "" });
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).toMatch(/location/);
  });

  it("runs over HTTP when a port is given", async () => {
    const server = new SimpleMCPServer("http").tool("now", "A constant", {}, () => "noon");
    const { url, port } = await server.run({ port: 0 });
    expect(url).toContain(String(port));
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    await server.server.stop();
  });
});
