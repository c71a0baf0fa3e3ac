import { clip, type RequestEndEvent, redactText } from "@backplane/protocol";
import type { AuditLog } from "../audit/audit-log.ts";
import type { AuditedPrincipal, AuditedRoute, AuditRecord } from "../audit/audit-record.ts";

const MAX_KEPT = 100;
/** Calls of one second that are kept without an audit; errors have as much room again. */
const KEPT_PER_SECOND = 10;
const MAX_TEXT_LENGTH = 200;

/** One line of recent calls. */
export interface RecentCall {
  /** Grows with each. */
  readonly seq: number;
  readonly kind: string;
  /** ISO 8601. */
  readonly time: string;
  readonly correlationId?: string | undefined;
  readonly method?: string | undefined;
  readonly target?: string | undefined;
  readonly principal?: string | undefined;
  readonly era?: string | undefined;
  readonly transport?: string | undefined;
  readonly outcome: string;
  readonly errorCode?: number | undefined;
  readonly decision?: string | undefined;
  readonly durationMs?: number | undefined;
  /** The record as it stands in the audit. */
  readonly audit?: AuditRecord;
}

/** Where recent calls come from. */
export interface RecentCalls {
  /** Hears of every request. */
  record(event: RequestEndEvent): void;
  /** The last ones, the newest first. */
  last(limit: number): readonly RecentCall[];
}

/** What the audit has written: each with its record. */
export class AuditedCalls implements RecentCalls {
  readonly #audit: AuditLog;

  constructor(audit: AuditLog) {
    this.#audit = audit;
  }

  record(): void {
    // The audit hears by itself.
  }

  last(limit: number): readonly RecentCall[] {
    return this.#audit.recent(limit).map(fromAudit);
  }
}

function fromAudit(record: AuditRecord): RecentCall {
  const base = { seq: record.seq, kind: record.kind, time: record.time, audit: record };
  switch (record.kind) {
    case "call": {
      const { correlationId, method, target, principal, era, transport } = record;
      const { outcome, errorCode, decision, durationMs } = record;
      const what = { correlationId, method, target, principal: whoIs(principal), era, transport };
      return { ...base, ...what, outcome, errorCode, decision, durationMs };
    }
    case "authentication":
      return {
        ...base,
        target: record.stage ?? "no credential",
        transport: record.transport,
        outcome: "refused",
      };
    case "route": {
      const { correlationId, method, route: target, principal, durationMs } = record;
      const what = {
        correlationId,
        method,
        target,
        principal: whoIs(principal),
        transport: "http",
      };
      return { ...base, ...what, outcome: outcomeOf(record), durationMs };
    }
    case "limit":
      return { ...base, target: record.limit, outcome: "limited" };
    case "lost":
      return { ...base, target: `${record.count} records`, outcome: "lost" };
    default:
      return { ...base, outcome: record.kind };
  }
}

function whoIs(principal: AuditedPrincipal | null): string | undefined {
  return principal === null ? undefined : clip(principal.id, MAX_TEXT_LENGTH);
}

/** In the words that calls have. */
function outcomeOf({ status, stage }: AuditedRoute): string {
  if (status === undefined) return "cancelled";
  if (stage === undefined && status >= 500) return "error";
  return stage !== undefined || status >= 400 ? "refused" : "ok";
}

/** The first calls and errors of each second, where there is no audit. */
export class SampledCalls implements RecentCalls {
  readonly #calls: RecentCall[] = [];
  #seq = 0;
  #second = -1;
  #kept = 0;
  #keptErrors = 0;

  record(event: RequestEndEvent): void {
    const { startedAtMs, durationMs, outcome, context } = event;
    const second = Math.floor((startedAtMs + durationMs) / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#kept = 0;
      this.#keptErrors = 0;
    }
    const isError = outcome === "error" || outcome === "tool_error";
    if (isError ? this.#keptErrors++ >= KEPT_PER_SECOND : this.#kept++ >= KEPT_PER_SECOND) return;
    const { correlationId, era, transport, principal } = context;
    this.#calls.push({
      seq: ++this.#seq,
      kind: "call",
      time: new Date().toISOString(),
      correlationId,
      method: short(context.method),
      target: event.target === undefined ? undefined : short(event.target),
      principal: principal === undefined ? undefined : short(principal.id),
      era,
      transport: transport.kind,
      outcome,
      errorCode: event.errorCode,
      decision: event.decision,
      durationMs,
    });
    if (this.#calls.length > MAX_KEPT) this.#calls.shift();
  }

  last(limit: number): readonly RecentCall[] {
    return this.#calls.slice(-limit).reverse();
  }
}

/** A part of a text of any size, without what opens doors. */
function short(text: string): string {
  return redactText(clip(text, MAX_TEXT_LENGTH));
}
