import {
  createMemoryEventBus,
  createMemoryEventLog,
  createMemorySessionStore,
} from "@backplane/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RawSession, send } from "./http/raw-client.test-support.ts";
import { quietServer } from "./input-peer.test-support.ts";
import type { MCPServerOptions } from "./options.ts";

const never = (): Promise<never> => new Promise(() => {});

interface Logged {
  readonly part?: string;
  readonly err?: unknown;
}

let logged: Logged[];
beforeEach(() => {
  logged = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets the waits of `stop` end at once: they are all that a timer is set for. */
async function stopped(stop: () => Promise<void>): Promise<void> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let done = false;
  const stopping = stop().finally(() => {
    done = true;
  });
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(1_000);
  }
  await stopping;
}

describe("what was given to onStop", () => {
  it("is closed once the last call has ended, whatever the transport", async () => {
    const events: string[] = [];
    const server = quietServer(logged);
    server.tool("slow", {}, async (_args, { signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      events.push("call ended");
      return "";
    });
    server.onStop("pool", () => void events.push("pool closed"));
    const takeOff = server.onStop("other", () => void events.push("other closed"));
    takeOff();
    const client = server.connectInMemory();
    client.start({ onMessage: () => {}, onClose: () => {} });
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const params = { name: "slow", _meta: meta };
    client.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }));
    await server.start({ port: 0, drainTimeoutMs: 1 });
    await server.stop();
    await server.stop();
    expect(events).toEqual(["call ended", "pool closed"]);
    expect(() => server.onStop("late", () => {})).toThrow("has been stopped");
  });

  it("cannot keep the server from stopping", async () => {
    const server = quietServer(logged);
    const error = new Error("planted");
    server.onStop("hangs", never);
    server.onStop("throws", () => {
      throw error;
    });
    server.onStop("rejects", () => Promise.reject(error));
    await stopped(() => server.stop());
    expect(logged).toEqual([
      { part: "throws", err: error },
      { part: "rejects", err: error },
      { part: "hangs", limitMs: 5_000 },
    ]);
  });
});

describe("a seam that hangs is named and left behind:", () => {
  const eventBus = createMemoryEventBus();
  eventBus.subscribe = async () => never;
  const eventLog = createMemoryEventLog();
  eventLog.end = never;
  const sessionStore = createMemorySessionStore();
  sessionStore.delete = never;

  it.each<[string, Partial<MCPServerOptions>]>([
    ["eventBus", { eventBus }],
    ["eventLog", { eventLog }],
    ["sessionStore", { sessionStore, legacySse: true }],
  ])("%s", async (part, options) => {
    const server = quietServer(logged, options);
    const { url } = await server.start({ port: 0 });
    const stream = options.legacySse
      ? await send(url as string, "GET", { accept: "text/event-stream" })
      : await (await RawSession.open(url as string)).get(url as string);
    await stopped(() => server.stop());
    await stream.text();
    expect(logged).toContainEqual({ part, limitMs: 5_000 });
    expect(new Set(logged.map((each) => each.part ?? part))).toEqual(new Set([part]));
  });
});
