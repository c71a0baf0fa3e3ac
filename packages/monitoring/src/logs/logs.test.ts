import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { type Logger, Secret } from "@backplane/protocol";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createLogs, type LogsOptions } from "./logs.ts";

interface Line extends Record<string, unknown> {
  readonly level: string;
  readonly message: string;
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** What is written to stderr, while nothing may be written to stdout. */
function stderrText(write: () => void): string {
  let text = "";
  const keep = (chunk: unknown): boolean => {
    text += String(chunk);
    return true;
  };
  vi.spyOn(process.stderr, "write").mockImplementation(keep as never);
  const stdout = vi.spyOn(process.stdout, "write");
  write();
  expect(stdout).not.toHaveBeenCalled();
  vi.restoreAllMocks();
  return text;
}

function lines(
  write: (logs: ReturnType<typeof createLogs>) => void,
  options?: LogsOptions,
): Line[] {
  const text = stderrText(() => write(createLogs(options)));
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

describe("createLogs", () => {
  it("writes lines of JSON to stderr, which carry the name of their channel", () => {
    const [line, ...rest] = lines((logs) => logs.channel("server").info({ port: 8080 }, "started"));
    expect(rest).toEqual([]);
    expect(line).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      level: "info",
      message: "started",
      channel: "server",
      port: 8080,
    });
  });

  it("lets no field stand in the place of what the line says of itself", () => {
    const forged = { time: "1970", level: "debug", message: "all is well", channel: "audit" };
    const options = { traceIds: () => ({ traceId: "t", spanId: "s" }) };
    const more = { ...forged, traceId: "x", spanId: "x", kept: 1 };
    const [line] = lines((logs) => logs.channel("tools").error(more, "failed"), options);
    expect(line).toEqual({
      time: expect.stringMatching(/^20.*Z$/),
      ...{ level: "error", message: "failed", channel: "tools", traceId: "t", spanId: "s" },
      kept: 1,
    });
  });

  it("has a level for each channel, which can be changed at any time", () => {
    const written = lines(
      (logs) => {
        const [server, client, quiet] = ["server", "client", "quiet"].map((name) =>
          logs.channel(name),
        ) as [Logger, Logger, Logger];
        for (const logger of [server, client, quiet]) {
          logger.debug({}, "debug");
          logger.info({}, "info");
          logger.warn({}, "warn");
          logger.error({}, "error");
        }
        logs.setLevel("error");
        server.warn({}, "no more");
        client.debug({}, "still");
        logs.setLevel("info", "quiet");
        quiet.info({}, "now");
      },
      { level: "warn", levels: { client: "debug", quiet: "silent" } },
    );
    expect(written.map(({ channel, message }) => `${String(channel)} ${message}`)).toEqual([
      "server warn",
      "server error",
      "client debug",
      "client info",
      "client warn",
      "client error",
      "client still",
      "quiet now",
    ]);
  });

  it("hides credentials by name and by form, in fields, messages and errors", () => {
    const [line] = lines(
      (logs) =>
        logs.channel("a").warn(
          {
            password: "hunter2",
            nested: { "X-Account_Number": "hunter2", fine: "card 4111-1111-1111-1111" },
            secret: new Secret("hunter2"),
            err: new Error("redis://u:hunter2@host"),
            list: ["Bearer hunter2hunter2"],
          },
          "card 4111-1111-1111-1111 of redis://u:hunter2@host",
        ),
      { hiddenNames: ["x account number"], hiddenPatterns: [/\b(?:\d{4}-){3}\d{4}\b/g] },
    );
    const text = JSON.stringify(line);
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain("4111");
    expect(line?.["nested"]).toEqual({ "X-Account_Number": "[redacted]", fine: "card [redacted]" });
    expect(line?.message).toBe("card [redacted] of redis://[redacted]@host");
  });

  it("carries the ids of the running trace", () => {
    let ids: { traceId: string; spanId: string; traceFlags: number } | undefined;
    const written = lines(
      (logs) => {
        const logger = logs.channel("a");
        logger.info({}, "outside");
        ids = {
          traceId: "0af7651916cd43dd8448eb211c80319c",
          spanId: "b7ad6b7169203331",
          traceFlags: 1,
        };
        logger.info({}, "inside");
      },
      { traceIds: () => ids },
    );
    expect(written[0]).not.toHaveProperty("traceId");
    expect(written[1]).toMatchObject({ traceId: ids?.traceId, spanId: ids?.spanId });
    expect(written[1]).not.toHaveProperty("traceFlags");
  });

  it("stays one line of bounded JSON in which nothing acts, whatever is logged", () => {
    const nasty = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.constantFrom(
        "a\r\nb",
        "\u001b[31mred\u001b[0m",
        "\u009b31m",
        "\u2028\u2029\u202e",
        "<script>",
        "😀".repeat(50_000),
        '","level":"error',
      ),
    );
    fc.assert(
      fc.property(
        nasty,
        nasty,
        fc.anything({ withBigInt: true, withMap: true }),
        (name, text, value) => {
          const fields = { [name]: text, value, time: "lied" };
          const written = stderrText(() => createLogs().channel(text).info(fields, text));
          expect(written.endsWith("\n")).toBe(true);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
          expect(written.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
          expect(stripVTControlCharacters(written)).toBe(written);
          expect(written.length).toBeLessThan(500_000);
          JSON.parse(written);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("leaves out fields that are too much for a line", () => {
    const many = Object.fromEntries(
      Array.from({ length: 150 }, (_, n) => [`f${n}`, "word ".repeat(700)]),
    );
    const [line] = lines((logs) => logs.channel("a").error(many, "too much"));
    expect(line?.["leftOut"]).toMatch(/^fields of \d+ characters$/);
    expect(line?.message).toBe("too much");
  });

  it("fails no call: a destination that throws, values that throw", () => {
    const broken = (): never => {
      throw new Error("the disk is full");
    };
    const logger = { debug: broken, info: broken, warn: broken, error: broken };
    expect(() => createLogs({ logger }).channel("a").error({}, "x")).not.toThrow();
    expect(() => createLogs({ traceIds: broken }).channel("a").error({}, "x")).not.toThrow();
    const trap = new Proxy({}, { ownKeys: broken, get: broken });
    expect(() => stderrText(() => createLogs().channel("a").error({ trap }, "x"))).not.toThrow();
  });

  it.each<[object, RegExp]>([
    [{ level: "trace" }, /"level"/],
    [{ levels: { a: "loud" } }, /"levels.a"/],
    [{ logger: { info: () => {} } }, /"logger"/],
    [{ hiddenPatterns: [/x/] }, /"hiddenPatterns"/],
    [{ hiddenPatterns: ["x"] }, /"hiddenPatterns"/],
    [{ traceIds: {} }, /"traceIds"/],
    [{ format: "json" }, /"format"/],
  ])("refuses %j", (options, message) => {
    expect(() => createLogs(options as LogsOptions)).toThrow(message);
    expect(() => createLogs().setLevel("loud" as never)).toThrow(/"level"/);
  });
});

describe("pino", () => {
  function withPino(level = "trace"): { readonly logger: Logger; readonly lines: () => Line[] } {
    let text = "";
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    return {
      logger: pino({ level }, stream),
      lines: () =>
        text
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Line),
    };
  }

  it("is a logger as it is", () => {
    const { logger, lines } = withPino();
    logger.warn({ a: 1 }, "as it is");
    expect(lines()).toMatchObject([{ level: 40, a: 1, msg: "as it is" }]);
  });

  it("is a destination: hidden, bounded and named before it gets a line, with errors as it shows them", () => {
    const { logger, lines } = withPino("warn");
    const channel = createLogs({ logger, level: "debug" }).channel("server");
    channel.info({}, "below pino's own level");
    channel.error({ token: "hunter2", err: new Error("\u001b[31mred\u009b") }, "line\u2028end");
    expect(lines()).toMatchObject([
      {
        level: 50,
        channel: "server",
        token: "[redacted]",
        msg: "line\\u2028end",
        err: { message: "\\u001b[31mred\\u009b", stack: expect.stringContaining("\n    at ") },
      },
    ]);
  });
});
