import fastify from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { fastifyPlugin } from "./fastify.ts";
import { handlerSuite } from "./http/handlers.test-support.ts";
import { callTool, HttpRigs, type Mount } from "./http/http-rig.test-support.ts";
import { mountSuite } from "./http/mounts.test-support.ts";
import { send } from "./http/raw-client.test-support.ts";
import { textOf } from "./input-peer.test-support.ts";

const mount: Mount = async (server) => {
  const app = fastify({ forceCloseConnections: true });
  app.get("/hello", async () => "hello");
  app.post("/json", async ({ body }) => ({ parsed: body }));
  await app.register(fastifyPlugin(server), { prefix: "/mcp" });
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  return { url: `${address}/mcp`, close: () => app.close() };
};

describe("Fastify", () => {
  mountSuite(mount);
  handlerSuite(mount);

  const rigs = new HttpRigs(mount);
  afterEach(() => rigs.close());

  it("keeps its own parsers and routes outside the plugin", async () => {
    const { url } = await rigs.open();
    expect(await (await send(new URL("/hello", url).href, "GET", {})).text()).toBe("hello");
    const json = { "content-type": "application/json" };
    const parsed = await send(new URL("/json", url).href, "POST", json, { a: 1 });
    expect(await parsed.text()).toBe('{"parsed":{"a":1}}');
    const answer = await (await callTool(url, "echo", { n: 1 })).json();
    expect(textOf(answer as never)).toBe('{"n":1}');
  });

  it("holds bodies to the server's limit, not to its own of 1 MiB", async () => {
    const { url } = await rigs.open();
    const text = "x".repeat(2 * 1024 * 1024);
    expect((await callTool(url, "echo", { text })).status).toBe(200);
    expect((await callTool(url, "echo", { text: text + text })).status).toBe(413);
  });

  it("lets the server answer preflights", async () => {
    const { url } = await rigs.open({ allowedOrigins: ["https://app.example"] });
    const response = await send(url, "OPTIONS", { origin: "https://app.example" });
    expect(response.status).toBe(204);
    expect(response.headers["access-control-allow-origin"]).toBe("https://app.example");
  });
});
