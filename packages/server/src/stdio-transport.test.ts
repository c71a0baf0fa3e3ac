import { spawn } from "node:child_process";
import { Console } from "node:console";
import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";
import type { MessageTransport } from "@backplane/protocol";
import { describe, expect, it, vi } from "vitest";
import { createStdioTransport, type StdioTransportOptions, takeStdout } from "./stdio-transport.ts";

interface Rig {
  readonly transport: MessageTransport;
  readonly input: PassThrough;
  /** What reached the output, one entry per write. */
  readonly writes: string[];
  readonly messages: string[];
  readonly events: string[];
}

async function rig(options: StdioTransportOptions = {}): Promise<Rig> {
  const input = new PassThrough();
  const writes: string[] = [];
  const output = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      writes.push(String(chunk));
      done();
    },
  });
  const transport = await createStdioTransport({ input, output, ...options });
  const messages: string[] = [];
  const events: string[] = [];
  transport.start({
    onMessage: (text) => messages.push(text),
    onOversized: () => events.push("oversized"),
    onClose: () => events.push("close"),
  });
  return { transport, input, writes, messages, events };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await turn();
}

describe("createStdioTransport", () => {
  it.each(["maxLineBytes", "maxQueuedChars"])("rejects %s below 1 by name", async (name) => {
    const streams = { input: new PassThrough(), output: new PassThrough() };
    await expect(createStdioTransport({ ...streams, [name]: 0 })).rejects.toThrow(`"${name}"`);
  });

  it("reads one message per line, those that came before start included", async () => {
    const input = new PassThrough();
    input.write('{"id":1}\n{"id"');
    const transport = await createStdioTransport({ input, output: new PassThrough() });
    await turns(3);
    const messages: string[] = [];
    transport.start({ onMessage: (text) => messages.push(text), onClose: () => {} });
    input.write(":2}\r\n");
    await turns(3);
    expect(messages).toEqual(['{"id":1}', '{"id":2}']);
    await transport.close();
  });

  it("writes what one turn sends at once, in order", async () => {
    const { transport, writes } = await rig();
    transport.send("1");
    await Promise.resolve();
    transport.send("2");
    void Promise.resolve().then(() => transport.send("3"));
    await turns(2);
    transport.send("4");
    await turns(2);
    expect(writes).toEqual(["1\n2\n3\n", "4\n"]);
    await transport.close();
  });

  it("reports an oversized line and reads on", async () => {
    const { transport, input, messages, events } = await rig({ maxLineBytes: 8 });
    input.write(`${"x".repeat(20)}\n{"id":1}\n`);
    await turns(3);
    expect(events).toEqual(["oversized"]);
    expect(messages).toEqual(['{"id":1}']);
    await transport.close();
  });

  it("at the end of input delivers a last line, closes, and still sends what is in flight", async () => {
    const { transport, input, messages, events, writes } = await rig();
    input.end('{"id":1}\n{"id":2}');
    await turns(5);
    expect(messages).toEqual(['{"id":1}', '{"id":2}']);
    expect(events).toEqual(["close"]);
    transport.send("answer");
    await transport.close();
    transport.send("too late");
    await turns(2);
    expect(writes).toEqual(["answer\n"]);
    expect(events).toEqual(["close"]);
  });

  it("close flushes, stops reading, tells once, and leaves the streams open", async () => {
    const { transport, input, messages, events, writes } = await rig();
    transport.send("last");
    await transport.close();
    await transport.close();
    input.write("ignored\n");
    await turns(3);
    expect(writes).toEqual(["last\n"]);
    expect(messages).toEqual([]);
    expect(events).toEqual(["close"]);
    expect(input.isPaused()).toBe(true);
    expect(input.destroyed).toBe(false);
    expect(input.listenerCount("data")).toBe(0);
  });

  it("delivers nothing more from a chunk in whose midst it was closed", async () => {
    const input = new PassThrough();
    const transport = await createStdioTransport({ input, output: new PassThrough() });
    const messages: string[] = [];
    transport.start({
      onMessage(text) {
        messages.push(text);
        void transport.close();
      },
      onClose: () => {},
    });
    input.write("1\n2\n3\n");
    await turns(3);
    expect(messages).toEqual(["1"]);
  });

  it("cannot be started twice", async () => {
    const { transport } = await rig();
    expect(() => transport.start({ onMessage() {}, onClose() {} })).toThrow(/twice/);
    await transport.close();
  });

  it("stops reading while the peer does not read, and goes on afterwards", async () => {
    const release: (() => void)[] = [];
    const output = new Writable({
      highWaterMark: 4,
      write: (_chunk, _encoding, done) => void release.push(done),
    });
    const { transport, input, messages } = await rig({ output });
    transport.send("a long answer");
    await turns(2);
    expect(input.isPaused()).toBe(true);
    input.write("1\n");
    transport.send("b");
    transport.send("c");
    await turns(3);
    expect(messages).toEqual([]);
    expect(release).toHaveLength(1);
    while (release.length > 0) {
      release.shift()?.();
      await turns(3);
    }
    expect(messages).toEqual(["1"]);
    await transport.close();
  });

  it("closes when what waits for a peer that does not read passes the bound", async () => {
    const output = new Writable({ highWaterMark: 1, write: () => {} });
    const { transport, events } = await rig({ output, maxQueuedChars: 100 });
    transport.send("first");
    await turns(2);
    transport.send("x".repeat(60));
    expect(events).toEqual([]);
    transport.send("x".repeat(60));
    expect(events).toEqual(["close"]);
  });

  it("a broken pipe is the end of the connection, not of the process", async () => {
    const child = spawn(
      process.execPath,
      ["-e", "process.stdin.once('data', () => process.exit())"],
      {
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    const transport = await createStdioTransport({ input: child.stdout, output: child.stdin });
    const closed = vi.fn();
    transport.start({ onMessage: () => {}, onClose: closed });
    transport.send("bye");
    await once(child, "exit");
    for (let n = 0; n < 50; n++) {
      transport.send("x".repeat(100_000));
      await turn();
    }
    await vi.waitFor(() => expect(closed).toHaveBeenCalledTimes(1));
    await transport.close();
  });

  it("an output error is the end, even when it comes after close", async () => {
    const output = new PassThrough();
    const { transport, events } = await rig({ output });
    output.emit("error", new Error("EPIPE"));
    await turns(2);
    expect(events).toEqual(["close"]);
    transport.send("dropped");
    await transport.close();
    output.emit("error", new Error("again"));
    expect(events).toEqual(["close"]);
  });
});

describe("takeStdout", () => {
  it("sends what others print to stderr until it is restored", () => {
    const real = process.stdout.write;
    const out: string[] = [];
    const err: string[] = [];
    process.stdout.write = ((text: string) => out.push(text) > 0) as never;
    const stderr = vi
      .spyOn(process.stderr, "write")
      .mockImplementation(((text: string) => err.push(text) > 0) as never);
    try {
      const before = process.stdout.write;
      const taken = takeStdout();
      process.stdout.write("from a handler\n");
      new Console(process.stdout, process.stderr).log("logged");
      taken.output.write("message\n");
      expect(() => takeStdout()).toThrow(/taken by another/);
      const wrapper = process.stdout.write;
      taken.restore();
      taken.restore();
      expect(process.stdout.write).toBe(before);
      wrapper.call(process.stdout, "through a wrapper that someone kept\n");
      takeStdout().restore();
      expect(err).toEqual(["from a handler\n", "logged\n"]);
      expect(out).toEqual(["message\n", "through a wrapper that someone kept\n"]);
    } finally {
      stderr.mockRestore();
      process.stdout.write = real;
    }
  });

  it("is done by a transport without an output of its own, until it closes", async () => {
    const before = process.stdout.write;
    const transport = await createStdioTransport({ input: new PassThrough() });
    expect(process.stdout.write).not.toBe(before);
    await transport.close();
    expect(process.stdout.write).toBe(before);
  });
});
