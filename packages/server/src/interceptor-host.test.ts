import {
  type CacheHint,
  createMemoryEventBus,
  type EventBus,
  type InterceptorHost,
  type ServerChange,
} from "@backplane/protocol";
import { describe, expect, it, vi } from "vitest";
import { ERAS, RawClient } from "./client.test-support.ts";
import { MCPServer } from "./index.ts";
import type { MCPServerOptions } from "./options.ts";

interface Seen {
  readonly changes: ServerChange[];
  readonly hints: (CacheHint | undefined)[];
  readonly asked: boolean[];
  host?: InterceptorHost;
}

/** A server with an interceptor that writes down what it learns, and answers nothing by itself. */
function watched(
  options: Partial<MCPServerOptions> = {},
  onChange: (change: ServerChange) => void | Promise<void> = () => {},
): { server: MCPServer; seen: Seen } {
  const seen: Seen = { changes: [], hints: [], asked: [] };
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const server = new MCPServer({ name: "t", version: "7", logger, ...options });
  server.use({
    name: "watcher",
    phase: "cache",
    attached(host) {
      seen.host = host;
      host.onChange((change) => {
        seen.changes.push(change);
        return onChange(change);
      });
    },
    async intercept(invocation, next) {
      seen.hints.push(invocation.cacheHint);
      const result = await next(invocation);
      seen.asked.push(invocation.context.asked);
      return result;
    },
  });
  return { server, seen };
}

describe("an interceptor that is attached", () => {
  it("knows the server, and closes with it", async () => {
    const { server, seen } = watched();
    expect(seen.host).toMatchObject({
      serverId: server.serverId,
      serverInfo: { name: "t", version: "7" },
    });
    const close = vi.fn();
    seen.host?.onStop("mine", close);
    await server.stop();
    expect(close).toHaveBeenCalledOnce();
  });

  it("knows of changes before clients do, those of another replica too", async () => {
    const eventBus = createMemoryEventBus();
    const order: string[] = [];
    const slow = (name: string) => async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(name);
    };
    const here = watched({ eventBus }, slow("here knows"));
    const there = watched({ eventBus }, slow("there knows"));
    const client = await RawClient.connect(there.server, "legacy");
    here.server.connectInMemory();
    here.server.tool("late", {}, () => "");
    await vi.waitFor(() => expect(client.notifications).toHaveLength(1));
    expect(order).toEqual(["here knows", "there knows"]);
    expect(here.seen.changes).toEqual([{ type: "list", list: "tools" }]);
    expect(there.seen.changes).toEqual([{ type: "list", list: "tools" }]);
    here.server.resourceUpdated("a://b");
    await vi.waitFor(() => expect(there.seen.changes).toHaveLength(2));
    expect(there.seen.changes[1]).toEqual({ type: "resource", uri: "a://b" });
  });

  it("hears nothing of what a server registers before it serves, here and on other replicas", async () => {
    const eventBus = createMemoryEventBus();
    const [here, there] = [watched({ eventBus }), watched({ eventBus })];
    const client = await RawClient.connect(there.server, "legacy");
    here.server.tool("a", {}, () => "");
    here.server.tool("b", {}, () => "").remove();
    here.server.prompt("a", {}, () => "");
    const { url } = await here.server.start({ port: 0 });
    expect(url).toBeDefined();
    here.server.resource("a://b", {}, () => "");
    await vi.waitFor(() => expect(client.notifications).toHaveLength(1));
    const only = [{ type: "list", list: "resources" }];
    expect([here.seen.changes, there.seen.changes]).toEqual([only, only]);
    await here.server.stop();
  });

  it("holds nobody up when it fails", async () => {
    const { server } = watched({}, () => Promise.reject(new Error("planted")));
    const client = await RawClient.connect(server, "legacy");
    server.tool("late", {}, () => "");
    await vi.waitFor(() => expect(client.notifications).toHaveLength(1));
  });

  it("learns that changes may have been missed, and nothing from what is no change", async () => {
    const gaps = new Set<() => void>();
    const inner = createMemoryEventBus();
    const eventBus: EventBus = {
      publish: (topic, message) => inner.publish(topic, message),
      subscribe: (topic, listener) => inner.subscribe(topic, listener),
      onGap(listener) {
        gaps.add(listener);
        return () => gaps.delete(listener);
      },
      close: () => inner.close(),
    };
    const { server, seen } = watched({ eventBus });
    for (const gap of gaps) gap();
    await vi.waitFor(() => expect(seen.changes).toEqual([{ type: "missed" }]));
    for (const foreign of ["not JSON", "[]", '{"list":"everything"}', "null"]) {
      await inner.publish("changes", foreign);
    }
    await inner.publish("changes", '{"list":"prompts"}');
    await vi.waitFor(() => expect(seen.changes).toHaveLength(2));
    expect(seen.changes[1]).toEqual({ type: "list", list: "prompts" });
    await server.stop();
    expect(gaps.size).toBe(0);
  });
});

describe.each(ERAS)("cache hints, %s", (era) => {
  it("reach interceptors as declared", async () => {
    const { server, seen } = watched({ cacheHints: { "tools/list": { ttlMs: 7 } } });
    const annotations = { readOnlyHint: true };
    server.tool("private", { annotations, cacheHint: { ttlMs: 5 } }, () => "");
    server.tool("public", { annotations, cacheHint: { ttlMs: 5, cacheScope: "public" } }, () => "");
    server.tool("plain", {}, () => "");
    server.resource("a://b", { cacheHint: { ttlMs: 9 } }, () => "text");
    const client = await RawClient.connect(server, era);
    seen.hints.length = 0;
    for (const name of ["private", "public", "plain"]) await client.call(name);
    await client.result("tools/list");
    await client.result("resources/read", { uri: "a://b" });
    expect(seen.hints).toEqual([
      { ttlMs: 5, cacheScope: "private" },
      { ttlMs: 5, cacheScope: "public" },
      undefined,
      { ttlMs: 7, cacheScope: "public" },
      { ttlMs: 9, cacheScope: "private" },
    ]);
    expect(seen.asked.some(Boolean)).toBe(false);
  });

  it("are refused for a tool that may change something, and when they say nothing", () => {
    const server = new MCPServer({ name: "t", version: "1" });
    const annotations = { idempotentHint: true };
    expect(() => server.tool("a", { cacheHint: { ttlMs: 5 } }, () => "")).toThrow(
      /tool "a": cacheHint is for a tool whose annotations say readOnlyHint: true or idempotentHint/,
    );
    for (const cacheHint of [{ ttlMs: 0 }, { ttlMs: 1.5 }, {}, { ttlMs: 5, scope: "public" }]) {
      const options = { annotations, cacheHint: cacheHint as never };
      expect(() => server.tool("b", options, () => "")).toThrow(/tool "b": cacheHint/);
    }
    server.tool("c", { annotations, cacheHint: { ttlMs: 5 } }, () => "");
  });
});
