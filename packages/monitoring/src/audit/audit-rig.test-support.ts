import {
  CHANNELS,
  type Principal,
  type RequestEndEvent,
  type RouteEndEvent,
} from "@backplane/protocol";
import { ROUTE_END } from "../route-end.test-support.ts";
import type { AuditRecord } from "./audit-record.ts";
import type { AuditRemains, AuditSink } from "./audit-sink.ts";

/** What a test says of one request; the rest is made up. */
export interface FakeRequest {
  readonly serverId?: string;
  readonly method?: string;
  readonly target?: string | undefined;
  readonly principal?: Principal;
  readonly event?: Partial<RequestEndEvent>;
}

/** Tells that a request ended, as a server does. */
export function requestEnded({
  serverId = "s",
  method = "tools/call",
  target,
  principal,
  event = {},
}: FakeRequest = {}): void {
  const context = {
    serverId,
    correlationId: globalThis.crypto.randomUUID(),
    method,
    era: "modern",
    principal,
    transport: { kind: "http", remoteAddress: "127.0.0.1", header: () => undefined },
  };
  CHANNELS.requestEnd.publish({
    serverId,
    context: context as never,
    target,
    startedAtMs: 0,
    durationMs: 1.234_567,
    outcome: "ok",
    errorCode: undefined,
    primitive: undefined,
    tool: undefined,
    decision: undefined,
    ...event,
  } as RequestEndEvent);
}

/** Tells that a request of a route ended, as a server does. */
export function routeEnded(event: Partial<RouteEndEvent> = {}): void {
  CHANNELS.routeEnd.publish({ ...ROUTE_END, durationMs: 1.234_567, ...event });
}

/** Keeps the lines, and fails when a test says so. */
export class MemorySink implements AuditSink {
  readonly lines: string[] = [];
  fails: Error | undefined;
  hangs = false;
  asides = 0;
  closed = false;
  remains: AuditRemains = { tail: undefined, tornBytes: 0 };

  async open(): Promise<AuditRemains> {
    return this.remains;
  }

  async write(lines: string): Promise<void> {
    if (this.hangs) await new Promise(() => {});
    if (this.fails !== undefined) throw this.fails;
    this.lines.push(...lines.split("\n").slice(0, -1));
  }

  async setAside(): Promise<void> {
    this.asides++;
    this.lines.length = 0;
  }

  close(): void {
    this.closed = true;
  }

  get records(): readonly AuditRecord[] {
    return this.lines.map((line) => JSON.parse(line) as AuditRecord);
  }

  get text(): string {
    return this.lines.map((line) => `${line}\n`).join("");
  }
}
