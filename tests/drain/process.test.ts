import { Agent } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { listen, send } from "../protocol/harness/http.ts";
import { openSession } from "../protocol/harness/legacy-session.ts";
import { textOf } from "../protocol/harness/messages.ts";
import { eras } from "./harness/eras.ts";
import { expectRefused } from "./harness/expect-refused.ts";
import { ServerProcess } from "./harness/process.ts";

const processes: ServerProcess[] = [];

afterEach(() => {
  for (const process of processes.splice(0)) process.destroy();
});

async function start(options: object): Promise<{ process: ServerProcess; url: string }> {
  const started = await ServerProcess.start({ port: 0, signals: true, ...options });
  processes.push(started.process);
  return started;
}

async function untilNotReady(url: string): Promise<void> {
  while ((await send(new URL("/ready", url).href, { method: "GET" })).status !== 503);
}

describe.each(eras)("a process with $name calls", ({ connect }) => {
  it.each(["SIGTERM", "SIGINT"] as const)("drains at %s and ends by itself", async (signal) => {
    const { process, url } = await start({ drainDelayMs: 2_000, drainTimeoutMs: 60_000 });
    const client = await connect(url);
    const agent = new Agent({ keepAlive: true });
    const running = client.call("work");
    await process.says("started");
    process.kill(signal);
    await untilNotReady(url);
    const during = await client.call("plain", {}, agent);
    expect(textOf(during.message)).toBe("plain");
    expect(during.headers.connection).toBe("close");
    let refused = await client.call("plain", {}, agent);
    while (refused.status === 200) refused = await client.call("plain", {}, agent);
    expectRefused(refused, "draining");
    // An operator who is impatient: the drain goes on as it was.
    process.kill(signal);
    process.kill("SIGUSR2");
    expect(textOf((await running).message)).toBe("finished");
    expect(await process.exit()).toEqual({ code: 0, signal: null });
    expect(process.lines).toContain("cleaned");
    expect(process.lines.slice(-2)).toEqual(["stopped with 0 handlers", "exit 0"]);
    agent.destroy();
  });

  it("aborts a call that hangs, lets its clean-up run and ends by itself", async () => {
    const { process, url } = await start({ drainTimeoutMs: 200 });
    const client = await connect(url);
    const running = client.call("work");
    await process.says("started");
    process.kill("SIGTERM");
    expectRefused(await running, "draining");
    expect(await process.exit()).toEqual({ code: 0, signal: null });
    expect(process.lines).toContain("cleaned");
    expect(process.lines).toContain("stopped with 0 handlers");
  });
});

describe("a process", () => {
  it("with nothing but streams and kept connections ends by itself", async () => {
    const { process, url } = await start({ drainTimeoutMs: 60_000 });
    const session = await openSession(url);
    const news = await session.get();
    const { stream } = await listen(url, { toolsListChanged: true });
    const agent = new Agent({ keepAlive: true });
    await send(new URL("/health", url).href, { method: "GET", agent });
    process.kill("SIGTERM");
    await Promise.all([news.ended(), stream.ended()]);
    expect(stream.messages.at(-1)?.result).toBeDefined();
    expect(await process.exit()).toEqual({ code: 0, signal: null });
    agent.destroy();
  });

  it("without the option leaves signals to its owner", async () => {
    const { process } = await start({ signals: false });
    expect(await process.says("handlers ")).toBe("0");
    process.kill("SIGTERM");
    expect(await process.exit()).toEqual({ code: null, signal: "SIGTERM" });
  });
});
