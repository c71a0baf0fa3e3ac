import { afterEach, describe, expect, it } from "vitest";
import { type Connected, type ConnectorParts, connect } from "./connector.ts";
import {
  type ConnectorRig,
  closeAll,
  connectorRig,
  LEGACY,
  MODERN,
} from "./connector-rig.test-support.ts";
import { send, until } from "./recorders.test-support.ts";
import { resolveStdioOptions, type StdioOptions } from "./stdio/stdio-options.ts";
import { runs, scripted } from "./stdio/stdio-rig.test-support.ts";
import { StdioTransport } from "./stdio/stdio-transport.ts";

afterEach(closeAll);

async function ask({ transport, lastId }: Connected, method: string): Promise<unknown> {
  const message = await send(transport, lastId + 1, method).first;
  return (message as { result: unknown }).result;
}

describe("connect over stdio", () => {
  function rig(
    options: StdioOptions,
    more: Partial<ConnectorParts> = {},
  ): ConnectorRig & { pids(): (number | undefined)[] } {
    const stdio = resolveStdioOptions("test", options);
    const limits = { maxResponseBytes: 1_000_000, maxJsonDepth: 64, maxPending: 100 };
    const made = connectorRig(
      "stdio",
      (_, logger) => new StdioTransport({ stdio, ...limits, logger }),
      more,
    );
    const pids = () => made.made.map((transport) => (transport as StdioTransport).pid);
    return { ...made, pids };
  }

  it("a modern server: one process, one question", async () => {
    const { parts, made, cache } = rig(scripted("modern"));
    const connected = await connect(parts);
    expect(connected.agreement).toEqual({ era: "modern", revision: MODERN });
    expect(connected.server).toEqual({
      info: { name: "scripted", version: "1.0.0" },
      capabilities: { tools: {} },
      instructions: "Use it well.",
      hint: { ttlMs: 1_000, cacheScope: "public" },
    });
    expect(made).toHaveLength(1);
    expect(await ask(connected, "history")).toEqual({ methods: ["server/discover"] });
    expect(await cache.get("server")).toMatchObject({ era: "modern", transport: "stdio" });
  });

  it("a legacy server that says that it does not know the probe", async () => {
    const { parts, made } = rig(scripted("garbage"));
    const connected = await connect(parts);
    expect(connected.agreement).toEqual({ era: "legacy", revision: LEGACY });
    expect(made).toHaveLength(1);
    expect(await ask(connected, "history")).toEqual({
      methods: ["server/discover", "initialize", "notifications/initialized"],
    });
  });

  it.each(["exits", "silent"])(
    "a legacy server that %s: a new process is not probed",
    async (trait) => {
      const { parts, pids } = rig(scripted(trait), { connectTimeoutMs: 3_000 });
      const connected = await connect(parts);
      expect(await ask(connected, "history")).toEqual({
        methods: ["initialize", "notifications/initialized"],
      });
      const [first, second, ...others] = pids();
      expect([runs(first as number), runs(second as number), others]).toEqual([false, true, []]);
      // The next connection knows.
      const { parts: next, made } = rig(scripted(trait), { eraCache: parts.eraCache });
      expect((await connect(next)).agreement).toEqual({ era: "legacy", revision: LEGACY });
      expect(made).toHaveLength(1);
    },
  );

  it("a server that does not run: how it ended, and that it may be tried again", async () => {
    const { parts, pids, cache } = rig(scripted("broken"));
    await expect(connect(parts)).rejects.toMatchObject({
      code: "connection_failed",
      retry: "always",
      message: expect.stringContaining("exited with code 7"),
      details: { exitCode: 7, stderr: expect.stringContaining("no configuration") },
    });
    expect(pids().map((pid) => runs(pid as number))).toEqual([false, false]);
    expect(await cache.get("server")).toBeUndefined();
  });

  it("a command that does not exist is not started twice", async () => {
    const { parts, made } = rig({ command: "/no/such/program" });
    await expect(connect(parts)).rejects.toMatchObject({
      code: "connection_failed",
      retry: "never",
      details: { reason: "ENOENT" },
    });
    expect(made).toHaveLength(1);
  });

  it("a server that never answers: connectTimeoutMs, and no process is left", async () => {
    const { parts, pids } = rig(scripted("mute"), { connectTimeoutMs: 600 });
    await expect(connect(parts)).rejects.toMatchObject({
      code: "timeout",
      retry: "always",
      details: { deadline: "connect", limitMs: 600 },
    });
    await until(() => expect(pids().map((pid) => runs(pid as number))).not.toContain(true));
  });

  it("a caller that gives up: aborted, and no process is left", async () => {
    const controller = new AbortController();
    const { parts, pids, made } = rig(scripted("mute"), { signal: controller.signal });
    const failing = expect(connect(parts)).rejects.toMatchObject({
      code: "aborted",
      cause: "enough",
    });
    await until(() => expect(made).toHaveLength(1));
    controller.abort("enough");
    await failing;
    await until(() => expect(pids().map((pid) => runs(pid as number))).toEqual([false]));
    await expect(connect(parts)).rejects.toMatchObject({ code: "aborted" });
  });
});
