import { CHANNELS, type DegradedEvent, type Tool } from "@backplane/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { AuditLog } from "./audit-log.ts";
import type { AuditOptions } from "./audit-options.ts";
import type { AuditHead } from "./audit-record.ts";
import { MemorySink, requestEnded, routeEnded } from "./audit-rig.test-support.ts";
import { auditStream } from "./audit-sink.ts";
import { verifyAudit } from "./verify.ts";

const logs: AuditLog[] = [];
const KEY = "a key of thirty-two bytes or more";

function make(sink: AuditOptions["sink"], more: Partial<AuditOptions> = {}): AuditLog {
  const log = new AuditLog({ server: { serverId: "s" }, sink, ...more });
  logs.push(log);
  return log;
}

function verify(text: string, options: Parameters<typeof verifyAudit>[1] = {}) {
  return verifyAudit([{ name: "audit", chunks: [Buffer.from(text)] }], options);
}

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(logs.splice(0).map((log) => log.close()));
});

describe("AuditLog", () => {
  it("writes one record for each request of its server, in order, as a chain that verifies", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    const principal = {
      id: "alice",
      issuer: "https://issuer.example",
      scopes: ["secret-scope"],
      roles: [],
      claims: { email: "a@b" },
    };
    const tool = { name: "add", inputSchema: { type: "object" } } as Tool;
    const primitive = { kind: "tool", name: "add", scopes: [], roles: [], tags: [] } as const;
    requestEnded({
      target: "add",
      principal,
      event: { tool, primitive, decision: "allow", outcome: "tool_error" },
    });
    requestEnded({ target: "other", event: { outcome: "error", errorCode: -32602 } });
    requestEnded({ method: "tools/list" });
    requestEnded({ serverId: "another", target: "not ours" });
    await log.close();
    const [open, first, second, third, close, ...rest] = sink.records;
    expect(rest).toEqual([]);
    expect(open).toMatchObject({ kind: "open", seq: 1, keyed: false, serverId: "s" });
    const sealed = {
      chain: open?.chain,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      prev: expect.stringMatching(/^[\w-]{43}$/),
      hash: expect.stringMatching(/^[\w-]{43}$/),
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: "call",
      transport: "http",
      remoteAddress: "127.0.0.1",
      era: "modern",
      durationMs: 1.235,
    };
    expect(first).toEqual({
      ...sealed,
      seq: 2,
      principal: { id: "alice", issuer: "https://issuer.example" },
      method: "tools/call",
      target: "add",
      known: true,
      schemaHash: expect.stringMatching(/^[\w-]{43}$/),
      decision: "allow",
      outcome: "tool_error",
    });
    expect(second).toEqual({
      ...sealed,
      seq: 3,
      principal: null,
      method: "tools/call",
      target: "other",
      known: false,
      outcome: "error",
      errorCode: -32602,
    });
    expect(third).toEqual({
      ...sealed,
      seq: 4,
      principal: null,
      method: "tools/list",
      outcome: "ok",
    });
    expect(close).toMatchObject({ kind: "close", seq: 5 });
    expect(await verify(sink.text)).toMatchObject({ valid: true, records: 5, lastSeq: 5, lost: 0 });
    expect(sink.closed).toBe(true);
  });

  it("records refused credentials, and what was refused before it was read", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    const base = { serverId: "s", transport: "http", remoteAddress: "10.0.0.1" } as const;
    CHANNELS.authenticationRefused.publish({
      ...base,
      principal: undefined,
      status: 401,
      stage: "signature",
      route: undefined,
    });
    const limit = {
      serverId: "s",
      target: undefined,
      retryAfterMs: undefined,
      route: undefined,
    };
    CHANNELS.limit.publish({ ...limit, limit: "maxBodyBytes", context: undefined });
    CHANNELS.limit.publish({ ...limit, limit: "rateLimit", context: {} as never });
    await log.flush();
    expect(sink.records.slice(1)).toMatchObject([
      { kind: "authentication", status: 401, stage: "signature", remoteAddress: "10.0.0.1" },
      { kind: "limit", limit: "maxBodyBytes" },
    ]);
    expect(sink.records).toHaveLength(3);
  });

  it("records what routes answered to whom, of its server, and never what they know of them", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    const claims = { email: "a@b" };
    const principal = { id: "alice", issuer: "i", scopes: ["secret-scope"], roles: [], claims };
    routeEnded({ principal, status: 201, correlationId: undefined });
    routeEnded({ serverId: "another" });
    routeEnded({ status: undefined, method: `X\u001b[31m\n${"y".repeat(1_000)}` });
    await log.flush();
    const [, first, second, ...rest] = sink.records;
    expect(rest).toEqual([]);
    expect(first).toEqual({
      chain: expect.any(String),
      seq: 2,
      time: expect.stringMatching(/Z$/),
      kind: "route",
      principal: { id: "alice", issuer: "i" },
      remoteAddress: "127.0.0.1",
      route: "/metrics",
      method: "GET",
      status: 201,
      durationMs: 1.235,
      prev: expect.any(String),
      hash: expect.any(String),
    });
    expect(second).toMatchObject({ principal: null, method: expect.stringMatching(/^X/) });
    expect(second).not.toHaveProperty("status");
    // And a mark that it was cut.
    expect((second as { method: string }).method).toHaveLength(257);
    expect(sink.text).not.toContain("\u001b");
    expect(await verify(sink.text)).toMatchObject({ valid: true, records: 3 });
  });

  it("tells apart the schemas under which a tool was called", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    const tools = [
      { name: "t", inputSchema: { type: "object", properties: { a: {}, b: {} } } },
      { name: "t", inputSchema: { properties: { b: {}, a: {} }, type: "object" } },
      { name: "t", inputSchema: { type: "object", properties: { a: {} } } },
    ] as Tool[];
    for (const tool of tools) requestEnded({ target: "t", event: { tool } });
    await log.flush();
    const [a, b, c] = sink.records
      .slice(1)
      .map((record) => "schemaHash" in record && record.schemaHash);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });

  it("writes within flushMs, without being asked", async () => {
    const sink = new MemorySink();
    make(sink, { flushMs: 5 });
    requestEnded();
    await vi.waitFor(() => expect(sink.lines).toHaveLength(2));
  });

  it("keeps the order and loses nothing over many batches", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    for (let n = 0; n < 2_000; n++) requestEnded({ target: `t${n}` });
    await log.close();
    const targets = sink.records.flatMap((record) =>
      record.kind === "call" ? [record.target] : [],
    );
    expect(targets).toEqual(Array.from({ length: 2_000 }, (_, n) => `t${n}`));
    expect(log.status).toMatchObject({ written: 2_002, buffered: 0, lost: 0, degraded: false });
    expect((await verify(sink.text)).valid).toBe(true);
  });

  it("goes on when records come in numbers during a long write", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    let more = 500;
    const write = sink.write.bind(sink);
    vi.spyOn(sink, "write").mockImplementation(async (lines) => {
      for (; lines.length > 100_000 && more > 0; more--) requestEnded();
      await write(lines);
    });
    for (let n = 0; n < 2_000; n++) requestEnded();
    await log.flush();
    await log.close();
    expect(more).toBe(0);
    expect(log.status).toMatchObject({ written: 2_502, buffered: 0, lost: 0 });
    expect((await verify(sink.text)).valid).toBe(true);
  });

  it("shows the last records, the newest first", async () => {
    const log = make(new MemorySink());
    for (let n = 0; n < 300; n++) requestEnded({ target: `t${n}` });
    await log.flush();
    expect(log.recent(2)).toMatchObject([{ target: "t299" }, { target: "t298" }]);
    expect(log.recent()).toHaveLength(200);
    expect(log.recent(0)).toEqual([]);
  });

  it("closes with its server", async () => {
    const sink = new MemorySink();
    let stop: () => Promise<void> = async () => {};
    const onStop = (_name: string, close: () => Promise<void>): void => {
      stop = close;
    };
    make(sink, { server: { serverId: "s", onStop } });
    requestEnded();
    await stop();
    expect(sink.records.map(({ kind }) => kind)).toEqual(["open", "call", "close"]);
    requestEnded();
    expect(CHANNELS.requestEnd.hasSubscribers).toBe(false);
    const stopped = {
      serverId: "s",
      onStop: () => {
        throw new Error("stopped");
      },
    };
    expect(() => make(sink, { server: stopped })).toThrow("stopped");
    expect(CHANNELS.requestEnd.hasSubscribers).toBe(false);
  });

  it("writes to a function and to a stream", async () => {
    const lines: string[] = [];
    const log = make((more) => void lines.push(...more.split("\n").slice(0, -1)));
    let text = "";
    let fails = true;
    const stream = auditStream({
      write: (chunk, callback) => {
        if (fails) callback(new Error("EPIPE"));
        else {
          text += chunk;
          callback();
        }
      },
    });
    const streamed = make(stream);
    requestEnded();
    await Promise.all([log.flush(), streamed.flush()]);
    expect(streamed.status).toMatchObject({ written: 0, degraded: true, lastError: "EPIPE" });
    fails = false;
    await streamed.flush();
    expect(text.split("\n")).toHaveLength(3);
    expect((await verify(text)).valid).toBe(true);
    expect(lines).toHaveLength(2);
  });

  it.each<[object, RegExp]>([
    [{ server: {} }, /"server"/],
    [{ sink: {} }, /"sink"/],
    [{ sink: undefined }, /"sink"/],
    [{ key: "short" }, /"key"/],
    [{ key: 5 }, /"key"/],
    [{ onHead: 1 }, /"onHead"/],
    [{ maxBuffered: 0 }, /"maxBuffered"/],
    [{ flushMs: -1 }, /"flushMs"/],
    [{ skipRoutes: "/health" }, /"skipRoutes"/],
    [{ skipRoutes: [/health/] }, /"skipRoutes"/],
    [{ headEveryMs: 0 }, /"headEveryMs"/],
    [{ logger: {} }, /"logger"/],
    [{ file: "x" }, /"file"/],
  ])("refuses %j", (more, message) => {
    expect(() => make(new MemorySink(), more)).toThrow(message);
  });
});

describe("a sink that is away", () => {
  it("costs no call: what fits waits, what does not is counted, said and written into the chain", async () => {
    const sink = new MemorySink();
    const said: string[] = [];
    const say = (_fields: object, message: string): void => void said.push(message);
    const told: DegradedEvent[] = [];
    const hear = (message: unknown): void => void told.push(message as DegradedEvent);
    CHANNELS.degraded.subscribe(hear);
    const logger = { debug: say, info: say, warn: say, error: say };
    const log = make(sink, { maxBuffered: 10, logger });
    sink.fails = new Error("ENOSPC: no space left on device");
    for (let n = 0; n < 25; n++) requestEnded({ target: `t${n}` });
    await log.flush();
    await log.flush();
    expect(log.status).toMatchObject({
      written: 0,
      lost: 15,
      degraded: true,
      lastError: "ENOSPC: no space left on device",
    });
    expect(said).toEqual([expect.stringContaining("cannot be written")]);
    expect(told).toEqual([{ serverId: "s", part: "audit", degraded: true }]);
    sink.fails = undefined;
    await log.flush();
    requestEnded({ target: "after" });
    await log.flush();
    expect(log.status).toMatchObject({ lost: 15, buffered: 0 });
    expect(sink.records.filter(({ kind }) => kind === "lost")).toMatchObject([
      { count: 15, since: expect.stringMatching(/Z$/) },
    ]);
    expect(sink.records.at(-1)).toMatchObject({ target: "after" });
    expect(await verify(sink.text)).toMatchObject({ valid: true, lost: 15 });
    // It is whole again once nothing was lost for a while.
    const now = performance.now();
    vi.spyOn(performance, "now").mockReturnValue(now + 11_000);
    requestEnded();
    await log.flush();
    vi.restoreAllMocks();
    expect(log.status.degraded).toBe(false);
    expect(told).toHaveLength(2);
    CHANNELS.degraded.unsubscribe(hear);
  });

  it("is tried again by itself", async () => {
    const sink = new MemorySink();
    const log = make(sink, { flushMs: 1 });
    sink.fails = new Error("away");
    requestEnded();
    await vi.waitFor(() => expect(log.status.degraded).toBe(true));
    sink.fails = undefined;
    await vi.waitFor(() => expect(sink.lines).toHaveLength(2), { timeout: 3_000 });
    expect(log.status.degraded).toBe(false);
  });

  it("gets the rest of a batch of which one record cannot be written, and the loss is said", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    requestEnded({ target: "before" });
    requestEnded({ principal: { id: 7, scopes: [], roles: [] } as never });
    requestEnded({ target: "after" });
    await log.flush();
    expect(sink.records.map(({ kind }) => kind)).toEqual(["open", "call", "call", "lost"]);
    expect(log.status).toMatchObject({ lost: 1, buffered: 0, degraded: true });
    expect(await verify(sink.text)).toMatchObject({ valid: true, lost: 1 });
  });

  it("gets the rest of lines that share a seal, be it the one with the seal that cannot be written", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    await log.flush();
    const principal = { id: 7, scopes: [], roles: [] } as never;
    // Of the lines that share a seal, the 11th, and the 64th, which would have it.
    for (let n = 0; n < 66; n++) requestEnded(n === 10 || n === 64 ? { principal } : {});
    await log.flush();
    expect(sink.records.filter(({ hash }) => hash === undefined)).toHaveLength(63);
    expect(log.status).toMatchObject({ written: 66, lost: 2, buffered: 0 });
    expect(await verify(sink.text)).toMatchObject({ valid: true, records: 66, lost: 2 });
  });

  it("gets bytes when it takes them, the same as its text", async () => {
    const texts: string[] = [];
    const log = make({
      write: () => expect.unreachable(),
      writeBytes: (pieces) => void texts.push(Buffer.concat(pieces).toString()),
    });
    requestEnded({ principal: { id: "Zoë", scopes: [], roles: [] } as never });
    for (let n = 0; n < 100; n++) requestEnded({ target: `tool ${n} ✓` });
    await log.flush();
    await log.close();
    expect(texts.join("")).toContain('"principal":{"id":"Zoë"}');
    expect(await verify(texts.join(""))).toMatchObject({ valid: true, records: 103 });
  });

  it("gets no line twice from who flushes while it is closed", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    await log.flush();
    for (let n = 0; n < 70; n++) requestEnded({});
    const closed = log.close();
    await Promise.all([log.flush(), Promise.resolve().then(() => log.flush()), closed]);
    expect(await verify(sink.text)).toMatchObject({ valid: true, records: 72 });
  });

  it("may throw what cannot even be looked at", async () => {
    const thrown = Object.create(null);
    const log = make(() => Promise.reject(thrown));
    requestEnded();
    await log.flush();
    expect(log.status).toMatchObject({ degraded: true, lastError: "the sink failed" });
  });

  it("that fails at the very end fails nobody", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    requestEnded();
    await log.flush();
    sink.fails = new Error("away");
    await log.close();
    expect(log.status).toMatchObject({ lost: 1, lastError: "away" });
    expect(sink.closed).toBe(true);
  });

  it("is not asked again with every record while it fails", async () => {
    const sink = new MemorySink();
    const write = vi.spyOn(sink, "write").mockRejectedValue(new Error("away"));
    const log = make(sink, { flushMs: 1 });
    for (let n = 0; n < 50; n++) {
      requestEnded();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(write.mock.calls.length).toBeGreaterThan(0);
    expect(write.mock.calls.length).toBeLessThan(15);
    write.mockRestore();
    await log.flush();
    expect(log.status).toMatchObject({ lost: 0, buffered: 0, written: 51 });
  });

  it("that hangs does not keep the audit from closing, and is told of", async () => {
    vi.useFakeTimers();
    const sink = new MemorySink();
    const said: object[] = [];
    const say = (fields: object): void => void said.push(fields);
    const log = make(sink, { logger: { debug: say, info: say, warn: say, error: say } });
    sink.hangs = true;
    requestEnded();
    await vi.advanceTimersByTimeAsync(11_000);
    expect(log.status).toMatchObject({ degraded: true, buffered: 2 });
    const closed = log.close();
    await vi.advanceTimersByTimeAsync(4_000);
    await closed;
    expect(said.at(-1)).toEqual({ records: 2 });
    expect(log.status.lost).toBe(2);
  });
});

describe("heads", () => {
  it("are given out now and then and at the close, signed, and anchor what is before them", async () => {
    const sink = new MemorySink();
    const heads: AuditHead[] = [];
    const log = make(sink, {
      key: KEY,
      headEveryMs: 1,
      onHead: (head) => void heads.push(head),
    });
    requestEnded();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await log.flush();
    expect(heads).toHaveLength(1);
    requestEnded();
    await log.close();
    expect(sink.records.map(({ kind }) => kind)).toContain("head");
    expect(heads.at(-1)?.seq).toBe(sink.records.at(-1)?.seq);
    expect(await verify(sink.text, { key: KEY, heads })).toMatchObject({
      valid: true,
      anchoredSeq: sink.lines.length,
    });
    const cut = sink.lines
      .slice(0, 2)
      .map((line) => `${line}\n`)
      .join("");
    expect((await verify(cut, { key: KEY })).notes.join(" ")).toContain("cannot be told");
    const found = await verify(cut, { key: KEY, heads });
    expect(found.fault?.reason).toContain("the end was cut off");
    const forged = heads.map((head) => ({ ...head, seq: 1 }));
    expect((await verify(sink.text, { key: KEY, heads: forged })).fault?.reason).toContain(
      "signed",
    );
  });

  it("that cannot be kept are said in the log, and the audit goes on", async () => {
    const sink = new MemorySink();
    const said: string[] = [];
    const say = (_fields: object, message: string): void => void said.push(message);
    const log = make(sink, {
      onHead: () => Promise.reject(new Error("away")),
      logger: { debug: say, info: say, warn: say, error: say },
    });
    requestEnded();
    await log.close();
    expect(said).toEqual(["the head of the audit could not be kept"]);
    expect((await verify(sink.text)).valid).toBe(true);
  });
});

describe("a chain over restarts", () => {
  it("goes on from the last line of the run before", async () => {
    const sink = new MemorySink();
    for (let run = 0; run < 3; run++) {
      const log = make(sink, { key: KEY });
      requestEnded({ target: `run ${run}` });
      await log.close();
      sink.remains = { tail: sink.lines.at(-1), tornBytes: run === 1 ? 17 : 0 };
    }
    const opens = sink.records.filter((record) => record.kind === "open");
    expect(opens.map(({ tornBytes }) => tornBytes)).toEqual([undefined, undefined, 17]);
    expect(await verify(sink.text, { key: KEY })).toMatchObject({ valid: true, records: 9 });
  });

  it("never goes on from a line that does not verify", async () => {
    const sink = new MemorySink();
    const first = make(sink);
    requestEnded();
    await first.close();
    const line = sink.lines.at(-1) as string;
    for (const tail of [line.replace('"close"', '"call!"'), "", "{}", "x".repeat(200)]) {
      sink.lines.length = 0;
      const asides = sink.asides;
      sink.remains = { tail, tornBytes: 0 };
      const log = make(sink);
      requestEnded();
      await log.close();
      expect(sink.asides).toBe(asides + 1);
      expect(sink.records[0]).toMatchObject({ kind: "open", seq: 1, abandoned: true });
      expect((await verify(sink.text)).valid).toBe(true);
    }
  });
});

describe("bad input", () => {
  it("stays one line of bounded JSON, whatever stands in names and identities", async () => {
    const sink = new MemorySink();
    const log = make(sink);
    const nasty = [
      "a\nb\r\nc",
      "\u001b[31mred\u009b31m",
      '{"kind":"close"}","hash":"',
      "<script>alert(1)</script>",
      "\u2028\u2029\u202eevil\ufeff",
      "😀".repeat(300_000),
      "\ud800 lone",
      "https://user:hunter2@host/?access_token=abcdef",
    ];
    for (const text of nasty) {
      requestEnded({
        method: text,
        target: text,
        principal: { id: text, scopes: [], roles: [], clientId: text },
      });
    }
    await log.close();
    expect(sink.lines).toHaveLength(nasty.length + 2);
    for (const line of sink.lines) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\ufeff]/);
      expect(line.length).toBeLessThan(3_000);
    }
    const last = sink.records.at(-2) as { target?: string };
    expect(last.target).toBe("https://[redacted]@host/?access_token=[redacted]");
    expect((await verify(sink.text)).valid).toBe(true);
  });
});
