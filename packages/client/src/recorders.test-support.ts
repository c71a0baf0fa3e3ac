import type { Logger } from "@backplane/protocol";
import { vi } from "vitest";
import type { MCPClientError } from "./errors.ts";
import type { ClientTransport, ResponseReceiver, TransportEvents } from "./transport.ts";

/** Everything that a transport told beside the answers. */
export interface RecordedEvents extends TransportEvents {
  readonly messages: unknown[];
  readonly closes: MCPClientError[];
}

export function recordEvents(): RecordedEvents {
  const messages: unknown[] = [];
  const closes: MCPClientError[] = [];
  return {
    messages,
    closes,
    onMessage: (message) => messages.push(message),
    onClose: (error) => closes.push(error),
  };
}

/** What became of one request. */
export interface RecordedAnswer extends ResponseReceiver {
  readonly messages: unknown[];
  readonly failures: MCPClientError[];
  /** Resolves with its first message, or rejects with its failure. */
  readonly first: Promise<unknown>;
}

function recordAnswer(): RecordedAnswer {
  const messages: unknown[] = [];
  const failures: MCPClientError[] = [];
  let resolve: (message: unknown) => void = () => {};
  let reject: (error: MCPClientError) => void = () => {};
  const first = new Promise((resolveFirst, rejectFirst) => {
    resolve = resolveFirst;
    reject = rejectFirst;
  });
  // A test that looks at `failures` only leaves it alone.
  first.catch(() => {});
  return {
    messages,
    failures,
    first,
    onMessage(message) {
      messages.push(message);
      resolve(message);
    },
    onFailure(error) {
      failures.push(error);
      reject(error);
    },
  };
}

/** Sends one request and records its answer. */
export function send(
  transport: ClientTransport,
  id: string | number,
  method: string,
  options: { readonly params?: object; readonly longLived?: boolean } = {},
): RecordedAnswer {
  const answer = recordAnswer();
  const { params = {}, longLived = false } = options;
  const text = JSON.stringify({ jsonrpc: "2.0", id, method, params });
  transport.request({ id, method, text, headers: [], longLived }, answer);
  return answer;
}

/** A log that remembers: each entry is the level, the message and the fields. */
export interface RecordedLog extends Logger {
  readonly entries: [level: string, message: string, fields: Readonly<Record<string, unknown>>][];
}

export function recordLog(): RecordedLog {
  const entries: RecordedLog["entries"] = [];
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    entries.push([level, message, fields]);
  };
  return { entries, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Waits for a condition without naming a time. */
export function until(condition: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(condition, { timeout: 10_000, interval: 5 });
}
