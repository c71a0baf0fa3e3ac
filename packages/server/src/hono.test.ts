import { type ServerType, serve } from "@hono/node-server";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { honoHandler } from "./hono.ts";
import { handlerSuite } from "./http/handlers.test-support.ts";
import {
  callTool,
  defined,
  HttpRigs,
  type Mount,
  type Mounted,
  modernCall,
} from "./http/http-rig.test-support.ts";
import { mountSuite } from "./http/mounts.test-support.ts";
import { textOf } from "./input-peer.test-support.ts";
import type { MCPServer } from "./mcp-server.ts";

function listen(app: Hono): Promise<Mounted> {
  return new Promise((resolve) => {
    const listener: ServerType = serve(
      { fetch: app.fetch, port: 0, hostname: "127.0.0.1" },
      ({ port }) =>
        resolve({
          url: `http://127.0.0.1:${port}/mcp`,
          close: () =>
            new Promise((closed) => {
              listener.close(() => closed());
              if ("closeAllConnections" in listener) listener.closeAllConnections();
            }),
        }),
    );
  });
}

function appOf(server: MCPServer): Hono {
  const app = new Hono();
  app.get("/hello", (context) => context.text("hello"));
  app.all("/mcp", honoHandler(server));
  return app;
}

describe("Hono on Node", () => {
  const mount: Mount = (server) => listen(appOf(server));
  mountSuite(mount);
  handlerSuite(mount);
});

describe("Hono behind a middleware that reads the body", () => {
  const mount: Mount = (server) => {
    const app = new Hono();
    app.use(async (context, next) => {
      if (context.req.method === "POST") await context.req.json();
      await next();
    });
    app.all("/mcp", honoHandler(server));
    return listen(app);
  };
  mountSuite(mount);

  it("is a 500 whose log names the remedy when it was read past Hono", async () => {
    const rigs = new HttpRigs((server) => {
      const app = new Hono();
      app.use(async (context, next) => {
        await context.req.raw.text();
        await next();
      });
      app.all("/mcp", honoHandler(server));
      return listen(app);
    });
    const { url, logged } = await rigs.open();
    expect((await callTool(url, "echo")).status).toBe(500);
    expect(logged).toEqual([
      {
        correlationId: expect.any(String),
        path: "/mcp",
        message: expect.stringContaining("a request that nobody has read"),
      },
    ]);
    await rigs.close();
  });
});

describe("Hono without Node's HTTP", () => {
  const rigs = new HttpRigs(async () => ({ url: "", close: async () => {} }));
  afterEach(() => rigs.close());

  it("answers a Request", async () => {
    const { server } = await rigs.open();
    const app = appOf(server);
    const { headers, message } = modernCall("echo", { n: 1 });
    const response = await app.request("http://localhost/mcp", {
      method: "POST",
      headers: defined(headers),
      body: JSON.stringify(message),
    });
    expect(response.status).toBe(200);
    expect(textOf((await response.json()) as never)).toBe('{"n":1}');
    expect(await (await app.request("/hello")).text()).toBe("hello");
  });

  it("streams to a Request", async () => {
    const { server } = await rigs.open();
    const { headers, message } = modernCall("count", {}, { progressToken: "p" });
    const response = await appOf(server).request("http://localhost/mcp", {
      method: "POST",
      headers: defined(headers),
      body: JSON.stringify(message),
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const text = await response.text();
    expect(text.match(/notifications\/progress/g)).toHaveLength(2);
    expect(text).toContain("counted");
  });
});
