import { describe, expect, it, vi } from "vitest";
import { heard } from "./harness/heard.ts";
import { observedServer, observingClient, PROTOCOLS } from "./harness/observed-server.ts";

describe.each(PROTOCOLS)("a client tells of its requests, %s", (protocol) => {
  it.each([
    ["echo", "ok", undefined],
    ["refuses", "tool_error", undefined],
    ["fails", "error", -32603],
  ])("%s: %s", async (name, outcome, errorCode) => {
    const ends = heard("clientRequestEnd");
    const { url } = await observedServer();
    const client = observingClient({ url: `${url}?key=hidden`, protocol });
    await client.callTool(name, { text: "hi" }).catch(() => {});
    const end = ends.find(({ target }) => target === name);
    expect(end).toMatchObject({
      clientId: client.clientId,
      method: "tools/call",
      revision: protocol,
      outcome,
      errorCode,
    });
    expect(end?.durationMs).toBeGreaterThan(0);
    expect(end?.server).not.toContain("hidden");
  });

  it("its connections, and how long they lived", async () => {
    const connections = heard("clientConnection");
    const { url } = await observedServer();
    const client = observingClient({ url, protocol });
    await client.connect();
    expect(connections).toMatchObject([{ clientId: client.clientId, delta: 1 }]);
    await client.close();
    expect(connections.at(-1)).toMatchObject({ delta: -1, durationMs: expect.any(Number) });
    expect(connections).toHaveLength(2);
  });
});

describe("a client tells of trouble", () => {
  it("a request that its caller gave up", async () => {
    const ends = heard("clientRequestEnd");
    const { server, url } = await observedServer();
    server.tool("waits", {}, (_args, { signal }) => {
      return new Promise<string>((resolve) =>
        signal.addEventListener("abort", () => resolve("late")),
      );
    });
    const client = observingClient({ url });
    await client.connect();
    const abort = new AbortController();
    const waiting = client.callTool("waits", {}, { signal: abort.signal }).catch(() => {});
    abort.abort();
    await waiting;
    expect(ends.at(-1)).toMatchObject({ outcome: "cancelled", errorCode: "aborted" });
  });

  it("its circuit breaker, beside the callback of its owner", async () => {
    const changes = heard("circuit");
    const states: string[] = [];
    const { server, url } = await observedServer();
    const client = observingClient({
      url,
      maxRetries: 0,
      circuitBreaker: { minCalls: 2, onStateChange: (state) => void states.push(state) },
    });
    await client.connect();
    await server.stop();
    for (let call = 0; call < 3; call++) await client.callTool("echo").catch(() => {});
    await vi.waitFor(() =>
      expect(changes).toMatchObject([
        { clientId: client.clientId, state: "open", previous: "closed" },
      ]),
    );
    expect(states).toEqual(["open"]);
  });
});
