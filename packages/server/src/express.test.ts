import express from "express";
import { afterEach, describe, expect, it } from "vitest";
import { expressHandler } from "./express.ts";
import { handlerSuite } from "./http/handlers.test-support.ts";
import { callTool, HttpRigs, type Mount, mountListener } from "./http/http-rig.test-support.ts";
import { mountSuite } from "./http/mounts.test-support.ts";
import { send } from "./http/raw-client.test-support.ts";
import { textOf } from "./input-peer.test-support.ts";

describe("Express without a body parser", () => {
  const mount: Mount = (server) => {
    const app = express();
    app.all("/mcp", expressHandler(server));
    return mountListener(app);
  };
  mountSuite(mount);
  handlerSuite(mount);
});

describe.each([
  ["json", express.json({ limit: "4mb" })],
  ["text", express.text({ type: "application/json" })],
  ["raw", express.raw({ type: "application/json" })],
])("Express with express.%s()", (_name, parser) => {
  const mount: Mount = (server) => {
    const app = express();
    app.use(parser);
    app.use("/mcp", expressHandler(server));
    return mountListener(app);
  };
  mountSuite(mount);

  const rigs = new HttpRigs(mount);
  afterEach(() => rigs.close());

  it("bounds the depth of what was parsed", async () => {
    const { url } = await rigs.open();
    const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
    expect((await callTool(url, "echo", { deep: nested(61) })).status).toBe(200);
    const response = await callTool(url, "echo", { deep: nested(62) });
    expect(response.status).toBe(400);
    expect((await response.json()).error?.message).toContain("deeper than 64 levels");
  });

  it("is the server's own 415 for what the parser leaves alone", async () => {
    const { url } = await rigs.open();
    const response = await callTool(url, "echo", {}, {}, { "content-type": "application/xml" });
    expect(response.status).toBe(415);
  });
});

describe("nodeHandler in Express, without the parsed body", () => {
  const rigs = new HttpRigs((server) => {
    const app = express();
    app.use(express.json());
    app.all("/mcp", (request, response) => server.nodeHandler(request, response));
    return mountListener(app);
  });
  afterEach(() => rigs.close());

  it("is a 500 whose log names the remedy", async () => {
    const { url, logged } = await rigs.open();
    expect((await callTool(url, "echo")).status).toBe(500);
    expect(logged).toEqual([
      {
        correlationId: expect.any(String),
        path: "/mcp",
        message: expect.stringContaining("server.nodeHandler(req, res, req.body)"),
      },
    ]);
    // What has no body needs none.
    expect((await send(url, "PUT", {})).status).toBe(405);
  });
});

describe("a server beside other routes of an application", () => {
  const rigs = new HttpRigs((server) => {
    const app = express();
    app.get("/hello", (_request, response) => {
      response.send("hello");
    });
    app.all("/mcp", expressHandler(server));
    return mountListener(app);
  });
  afterEach(() => rigs.close());

  it("leaves them alone", async () => {
    const { url } = await rigs.open();
    expect(await (await send(new URL("/hello", url).href, "GET", {})).text()).toBe("hello");
    expect((await send(new URL("/other", url).href, "GET", {})).status).toBe(404);
    const answer = await (await callTool(url, "echo", { n: 1 })).json();
    expect(textOf(answer as never)).toBe('{"n":1}');
  });
});
