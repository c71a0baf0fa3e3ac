import { realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { send, until } from "../recorders.test-support.ts";
import type { StdioOptions } from "./stdio-options.ts";
import { openTo, runs, type StdioRig, scripted, transportTo } from "./stdio-rig.test-support.ts";

const opened: StdioRig[] = [];

async function open(options: StdioOptions, maxResponseBytes?: number): Promise<StdioRig> {
  const rig = await openTo(options, maxResponseBytes);
  opened.push(rig);
  return rig;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ transport }) => transport.close()));
});

async function ask({ transport }: StdioRig, method: string, params = {}): Promise<unknown> {
  const message = await send(transport, `${method} ${Math.random()}`, method, { params }).first;
  return (message as { result: unknown }).result;
}

describe("StdioTransport", () => {
  it("carries requests and responses, many at once, in any characters", async () => {
    const rig = await open(scripted());
    const texts = Array.from({ length: 200 }, (_, n) => `${n} ünï ✓ 😀 \n \u2028 ${"x".repeat(n)}`);
    const echoed = await Promise.all(texts.map((text) => ask(rig, "echo", { text })));
    expect(echoed).toEqual(texts.map((text) => ({ text })));
  });

  it("starts the process where and with what it was told, and with nothing of this process's secrets", async () => {
    process.env["BACKPLANE_TEST_SECRET"] = "s";
    process.env["BACKPLANE_TEST_NAMED"] = "n";
    try {
      const rig = await open({
        ...scripted(),
        cwd: tmpdir(),
        env: { OWN: "o" },
        inheritEnv: ["BACKPLANE_TEST_NAMED"],
      });
      const environment = (await ask(rig, "environment")) as Record<string, string>;
      expect(environment).toMatchObject({ OWN: "o", BACKPLANE_TEST_NAMED: "n" });
      expect(environment["PATH"]).toBe(process.env["PATH"]);
      expect(environment["BACKPLANE_TEST_SECRET"]).toBeUndefined();
      expect(await ask(rig, "where")).toMatchObject({ cwd: realpathSync(tmpdir()) });
    } finally {
      delete process.env["BACKPLANE_TEST_SECRET"];
      delete process.env["BACKPLANE_TEST_NAMED"];
    }
  });

  it("a command that does not exist is said so at once", async () => {
    const { transport, events } = transportTo({ command: "/no/such/program" });
    await expect(transport.open(events)).rejects.toMatchObject({
      code: "connection_failed",
      retry: "never",
      details: { reason: "ENOENT" },
    });
    await transport.close();
  });

  it("a server that exits at once: the error says how, and what it complained of", async () => {
    const { events } = await open(scripted("broken"));
    await until(() => expect(events.closes).toHaveLength(1));
    const [error] = events.closes;
    expect(error).toMatchObject({ code: "connection_lost", details: { exitCode: 7 } });
    expect(error?.details["stderr"]).toContain("no configuration");
    expect(JSON.stringify(error?.details)).not.toContain("hunter2");
  });

  it("dying mid-call fails what runs, once, and later requests were never sent", async () => {
    const rig = await open(scripted());
    const running = send(rig.transport, 1, "nothing answers this", {});
    const crashing = send(rig.transport, 2, "crash", { params: { code: 3 } });
    await expect(crashing.first).rejects.toMatchObject({
      code: "connection_lost",
      retry: "if-idempotent",
      message: expect.stringContaining("exited with code 3"),
    });
    expect(running.messages).toHaveLength(1);
    expect(rig.events.closes).toHaveLength(1);
    await expect(send(rig.transport, 3, "echo").first).rejects.toMatchObject({
      code: "connection_lost",
      retry: "always",
    });
    await expect(rig.transport.post("{}")).rejects.toMatchObject({ retry: "always" });
  });

  it("what it wrote before it ended still arrives", async () => {
    const rig = await open(scripted());
    expect(await ask(rig, "answer-and-crash")).toEqual({ last: "words" });
    await until(() => expect(rig.events.closes).toHaveLength(1));
  });

  it("a server that closes its stdout is lost, and ended", async () => {
    const rig = await open(scripted());
    const { pid } = (await ask(rig, "where")) as { pid: number };
    await expect(send(rig.transport, 1, "close-stdout").first).rejects.toMatchObject({
      code: "connection_lost",
      message: expect.stringContaining("closed its stdout"),
    });
    await until(() => expect(runs(pid)).toBe(false));
  });

  it("a server that closes its stdin is lost, and ended: EPIPE harms nobody", async () => {
    const rig = await open(scripted());
    const { pid } = (await ask(rig, "where")) as { pid: number };
    await ask(rig, "close-stdin");
    await until(async () => {
      await expect(rig.transport.post(JSON.stringify({ x: 1 }))).rejects.toMatchObject({
        code: "connection_lost",
      });
    });
    await until(() => expect(rig.events.closes).toHaveLength(1));
    expect(runs(pid)).toBe(false);
  });

  it("4b.12: lines that are no messages are skipped, and reported once", async () => {
    const rig = await open(scripted("garbage"));
    expect(await ask(rig, "echo", { a: 1 })).toEqual({ a: 1 });
    expect(rig.log.entries.filter(([level]) => level === "warn")).toHaveLength(1);
    expect(rig.events.messages).toEqual([]);
  });

  it("a response longer than the limit fails its request and no other", async () => {
    const rig = await open(scripted(), 5_000);
    await expect(ask(rig, "big", { length: 50_000 })).rejects.toMatchObject({
      code: "response_too_large",
    });
    expect(await ask(rig, "echo", { still: "there" })).toEqual({ still: "there" });
  });

  it("a server that does not read gets no more than the queue holds", async () => {
    const rig = await open({ ...scripted("deaf"), maxQueuedBytes: 500_000 });
    const text = "x".repeat(100_000);
    const answers = Array.from({ length: 20 }, (_, n) =>
      send(rig.transport, n, "echo", { params: { text } }),
    );
    await until(() => expect(answers.at(-1)?.failures[0]).toMatchObject({ code: "overloaded" }));
    expect(answers[0]?.failures).toEqual([]);
    expect(answers.filter(({ failures }) => failures.length > 0).length).toBeGreaterThan(10);
  });
});

describe("stderr", () => {
  const lines = ["hello", "token=abcdef"];

  it("goes to the log line by line, without its secrets", async () => {
    const rig = await open(scripted());
    await ask(rig, "complain", { lines });
    const logged = () => rig.log.entries.filter(([level]) => level === "info");
    await until(() => expect(logged()).toHaveLength(2));
    expect(logged().map(([, , fields]) => fields["line"])).toEqual(["hello", "token=[redacted]"]);
  });

  it("goes to a function as it is, or nowhere", async () => {
    const seen: string[] = [];
    const rig = await open({ ...scripted(), stderr: (line) => seen.push(line) });
    await ask(rig, "complain", { lines });
    await until(() => expect(seen).toEqual(lines));
    const quiet = await open({ ...scripted(), stderr: "ignore" });
    await ask(quiet, "complain", { lines });
    await quiet.transport.close();
    expect(quiet.log.entries).toEqual([]);
  });
});

describe("the end of a server", () => {
  it("comes with the end of its stdin, where it keeps to the protocol", async () => {
    const rig = await open({ ...scripted(), shutdown: { stdinEndMs: 60_000, sigtermMs: 60_000 } });
    const { pid } = (await ask(rig, "where")) as { pid: number };
    await Promise.all([rig.transport.close(), rig.transport.close()]);
    expect(runs(pid)).toBe(false);
    expect(rig.events.closes).toEqual([]);
  });

  it("comes to one that ignores SIGTERM, and to what it has started", async () => {
    const rig = await open(scripted("stubborn"));
    const { pid, childPid } = (await ask(rig, "where")) as { pid: number; childPid: number };
    expect([runs(pid), runs(childPid)]).toEqual([true, true]);
    await rig.transport.close();
    await until(() => expect([runs(pid), runs(childPid)]).toEqual([false, false]));
  });

  it("comes to what a crashed server has left behind", async () => {
    const rig = await open(scripted("stubborn"));
    const { childPid } = (await ask(rig, "where")) as { childPid: number };
    process.kill(rig.transport.pid as number, "SIGKILL");
    await until(() => expect(rig.events.closes).toHaveLength(1));
    expect(rig.events.closes[0]?.message).toContain("was ended by SIGKILL");
    await until(() => expect(runs(childPid)).toBe(false));
  });

  it("closing while it starts leaves nothing behind", async () => {
    const { transport, events } = transportTo(scripted("stubborn"));
    const opening = expect(transport.open(events)).rejects.toMatchObject({ code: "closed" });
    await transport.close();
    await opening;
    expect(runs(transport.pid as number)).toBe(false);
  });
});
