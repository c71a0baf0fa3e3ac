import { setTimeout as sleep } from "node:timers/promises";
import { type MCPClient, MCPClientError, type MCPClientOptions } from "@backplane/client";
import { MCPError } from "@backplane/protocol";
import { expect, vi } from "vitest";
import { clientOf, type WireEra } from "../../client/harness/clients.ts";
import {
  ScriptedServer,
  type ScriptedServerOptions,
} from "../../client/harness/scripted-server.ts";

/** Short deadlines and one attempt, so that a test sees the fault itself and soon. */
export const impatient = {
  timeoutMs: 300,
  maxTotalTimeoutMs: 1_500,
  connectTimeoutMs: 10_000,
  maxRetries: 0,
  circuitBreaker: false,
} as const satisfies Partial<MCPClientOptions>;

/** A client that gives up soon. */
function impatientClient(
  server: ScriptedServer,
  options: Partial<MCPClientOptions> = {},
): MCPClient {
  return clientOf(server, { ...impatient, ...options });
}

/** What an error must say for a caller to know what to do. */
export interface Expected {
  readonly code: MCPClientError["code"] | number;
  readonly retry?: MCPClientError["retry"];
  readonly says?: RegExp;
}

/** Waits for the failure that a bad server causes, and checks that it is typed. */
export async function expectTyped(promise: Promise<unknown>, expected: Expected): Promise<unknown> {
  const error = await promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)?.slice(0, 300)}`),
    (reason: unknown) => reason,
  );
  const { code, retry, says } = expected;
  const isTyped = MCPClientError.isInstance(error) || MCPError.isInstance(error);
  expect(isTyped, String((error as Error).stack ?? error)).toBe(true);
  const typed = error as MCPClientError | MCPError;
  expect(typed.code, typed.stack).toBe(code);
  if (retry !== undefined) expect((typed as MCPClientError).retry).toBe(retry);
  if (says !== undefined) expect(typed.message).toMatch(says);
  return error;
}

/** What keeps a process alive: sockets, pipes, timers, children. */
function activeResources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** How long the system may take to report what was closed. */
const settleMs = 5_000;

/** Kinds that a client can leave behind; others belong to the test runner. */
const watched = ["TCPSocketWrap", "TCPConnectWrap", "PipeWrap", "ProcessWrap", "Timeout"];

/** Runs something that opens and closes clients, and checks that nothing of them stays. */
export async function expectNoLeak(run: () => Promise<void>): Promise<void> {
  const before = activeResources();
  const listeners = () => process.listenerCount("exit") + process.listenerCount("SIGTERM");
  const listenersBefore = listeners();
  await run();
  // Not vi.waitFor, whose own timers would count.
  const excess = () => {
    const after = activeResources();
    return watched.filter((kind) => (after[kind] ?? 0) > (before[kind] ?? 0));
  };
  const deadline = Date.now() + settleMs;
  while (excess().length > 0 && Date.now() < deadline) await sleep(20);
  expect(excess()).toEqual([]);
  expect(listeners()).toBe(listenersBefore);
}

/** One thing that a server does wrong, and what a caller is to be told. */
export interface FaultCase {
  readonly name: string;
  readonly server: Omit<ScriptedServerOptions, "era">;
  readonly expected: Expected;
  /** Default: one call of the tool "work". */
  readonly act?: (client: MCPClient) => Promise<unknown>;
  readonly client?: Partial<MCPClientOptions>;
  /** Looks at the server after the failure. */
  readonly after?: (server: ScriptedServer, client: MCPClient) => void | Promise<void>;
}

export const callWork = (client: MCPClient): Promise<unknown> => client.callTool("work");

/** Plays one case: the failure is typed, and neither end keeps anything of it. */
export async function play(era: WireEra, fault: FaultCase): Promise<void> {
  const { server: options, expected, act = callWork, client: behaviour, after } = fault;
  await expectNoLeak(async () => {
    const server = await ScriptedServer.start({ era, ...options });
    const client = impatientClient(server, behaviour);
    try {
      await expectTyped(act(client), expected);
      await after?.(server, client);
    } finally {
      await client.close();
    }
    await vi.waitFor(() => expect(server.connections).toBe(0));
    await server.close();
  });
}
