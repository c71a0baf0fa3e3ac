import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MCPClient, type MCPClientOptions } from "@backplane/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { closing, eras, revisionOf, type WireEra } from "../client/harness/clients.ts";
import { isRunning } from "../client/harness/processes.ts";
import { callWork, type Expected, expectNoLeak, expectTyped, impatient } from "./harness/faults.ts";

const script = join(import.meta.dirname, "fixtures", "bad-stdio-server.mjs");
/** A process takes longer to start than a connection. */
const connectTimeoutMs = 10_000;

let folder: string;
let journal: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bad-stdio-"));
  journal = join(folder, "journal");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the server wrote down: its starts, and the messages that it read. */
function entries(): string[] {
  return readFileSync(journal, "utf8").trim().split("\n");
}

function startedPids(): number[] {
  return entries().flatMap((entry) => (entry.startsWith("start ") ? [Number(entry.slice(6))] : []));
}

function stdioClient(
  fault: string,
  era: WireEra,
  options: Partial<MCPClientOptions> = {},
  maxQueuedBytes = 1_000_000,
): MCPClient {
  return closing(
    new MCPClient({
      ...impatient,
      connectTimeoutMs,
      protocol: revisionOf[era],
      stdio: {
        command: process.execPath,
        args: [script, fault, era, journal],
        stderr: "ignore",
        restart: false,
        shutdown: { stdinEndMs: 300, sigtermMs: 300 },
        maxQueuedBytes,
      },
      ...options,
    }),
  );
}

interface StdioFault {
  readonly fault: string;
  readonly expected: Expected;
  readonly options?: Partial<MCPClientOptions>;
  readonly act?: (client: MCPClient) => Promise<unknown>;
}

describe.each(eras)("%s: a local server that", (era) => {
  it.each<StdioFault>([
    { fault: "other-id", expected: { code: "timeout" } },
    { fault: "no-result", expected: { code: "invalid_response", retry: "never" } },
    { fault: "unknown-type", expected: { code: "invalid_response", retry: "never" } },
    { fault: "silent", expected: { code: "timeout", retry: "if-idempotent", says: /timeoutMs/ } },
    { fault: "dies", expected: { code: "connection_lost", retry: "if-idempotent" } },
    { fault: "dies-in-line", expected: { code: "connection_lost", retry: "if-idempotent" } },
    { fault: "closes-stdout", expected: { code: "connection_lost", retry: "if-idempotent" } },
    {
      fault: "endless-line",
      options: { limits: { maxResponseBytes: 1_000_000 } },
      expected: { code: "response_too_large", retry: "never" },
    },
    {
      fault: "endless-progress",
      act: (client) => client.callTool("work", {}, { onProgress: () => undefined }),
      expected: { code: "timeout", says: /maxTotalTimeoutMs/ },
    },
  ])("$fault", async ({ fault, expected, options, act = callWork }) => {
    await expectNoLeak(async () => {
      const client = stdioClient(fault, era, options);
      await client.connect();
      await expectTyped(act(client), expected);
      await client.close();
    });
    expect(startedPids().some(isRunning)).toBe(false);
  });

  it.each<StdioFault>([
    { fault: "exits-at-once", expected: { code: "connection_failed", says: /exited with code 1/ } },
    {
      fault: "exits-at-first",
      expected: { code: "connection_failed", says: /exited with code 1/ },
    },
    {
      fault: "silent-at-once",
      options: { connectTimeoutMs: 400 },
      expected: { code: "timeout", says: /connectTimeoutMs/ },
    },
  ])("$fault cannot be connected to", async ({ fault, expected, options }) => {
    await expectNoLeak(async () => {
      const client = stdioClient(fault, era, options);
      await expectTyped(client.connect(), expected);
      await client.close();
    });
  });

  it.each(["no-json", "floods-stderr"])("%s is understood all the same", async (fault) => {
    const client = stdioClient(fault, era, { timeoutMs: 10_000, maxTotalTimeoutMs: 10_000 });
    expect((await client.callTool("work")).content).toEqual([{ type: "text", text: "done" }]);
  });

  it.each(["ignores-stdin-end", "ignores-signals"])("%s is gone after close", async (fault) => {
    const client = stdioClient(fault, era);
    await client.callTool("work");
    await client.close();
    expect(startedPids().some(isRunning)).toBe(false);
  });

  it("leaves a process of its own behind takes it along", async () => {
    const client = stdioClient("grandchild", era);
    await client.callTool("work");
    await client.close();
    const pids = entries().map(Number).filter(Number.isInteger);
    expect(pids).toHaveLength(1);
    await vi.waitFor(() => expect(pids.some(isRunning)).toBe(false), 10_000);
  });

  it("never reads what it is sent", async () => {
    const client = stdioClient("never-reads", era, { connectTimeoutMs: 400 });
    await expectTyped(client.connect(), { code: "timeout" });
  });

  it("stops reading makes the client refuse more, not grow", async () => {
    const client = stdioClient("stops-reading", era, { timeoutMs: 60_000 }, 100_000);
    await client.callTool("work");
    const calls = Array.from({ length: 100 }, () =>
      client.callTool("work", { text: "x".repeat(20_000) }),
    );
    const outcomes = await Promise.race(
      calls.map((call) => call.catch((error: { code?: unknown }) => error.code)),
    );
    expect(outcomes).toBe("overloaded");
    await client.close();
    await Promise.allSettled(calls);
  });
});

it("a program that does not exist", async () => {
  const client = closing(
    new MCPClient({ ...impatient, stdio: { command: "/no/such/program", restart: false } }),
  );
  await expectTyped(client.connect(), {
    code: "connection_failed",
    says: /\/no\/such\/program|ENOENT/,
  });
});
