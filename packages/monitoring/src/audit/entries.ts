import {
  type AuthenticationEvent,
  canonicalJson,
  clip,
  type LimitEvent,
  type Principal,
  type RequestEndEvent,
  type RouteEndEvent,
  redactText,
  type Tool,
} from "@backplane/protocol";
import { printableJson } from "../internal/printable.ts";
import type { AuditedPrincipal } from "./audit-record.ts";
import type { NodeCrypto } from "./chain.ts";

/** Most characters of a name that a client chose. */
const MAX_NAME_LENGTH = 256;

/** Texts of which the JSON is kept, of each sort. */
const MAX_REMEMBERED = 1_000;

/** As the ids of requests are. */
const UUID = /^[\da-f-]{36}$/;

/** What is kept of a request. */
export interface CallEntry {
  readonly kind: "call";
  readonly atMs: number;
  readonly correlationId: string;
  readonly principal: Principal | undefined;
  readonly transport: string;
  readonly remoteAddress: string | undefined;
  readonly era: string;
  readonly method: string;
  readonly target: string | undefined;
  readonly registeredName: string | undefined;
  readonly tool: Tool | undefined;
  readonly decision: string | undefined;
  readonly outcome: string;
  readonly errorCode: number | undefined;
  readonly durationMs: number;
}

/** What is kept of a request of a route. */
export interface RouteEntry {
  readonly kind: "route";
  readonly atMs: number;
  readonly principal: Principal | undefined;
  readonly remoteAddress: string | undefined;
  readonly route: string;
  readonly method: string;
  readonly status: number | undefined;
  readonly stage: string | undefined;
  readonly correlationId: string | undefined;
  readonly durationMs: number;
}

/**
 * What is kept of an event until it is written: values and what is shared anyway, never the request itself,
 * which would keep its arguments alive.
 */
export type AuditEntry =
  | CallEntry
  | RouteEntry
  | {
      readonly kind: "authentication";
      readonly atMs: number;
      readonly transport: string;
      readonly remoteAddress: string | undefined;
      readonly status: number | undefined;
      readonly stage: string | undefined;
      readonly route: string | undefined;
    }
  | { readonly kind: "limit"; readonly atMs: number; readonly limit: string };

export function callEntry(event: RequestEndEvent): CallEntry {
  const { context, target, primitive } = event;
  const { transport } = context;
  return {
    kind: "call",
    atMs: Date.now(),
    correlationId: context.correlationId,
    principal: context.principal,
    transport: transport.kind,
    remoteAddress: transport.remoteAddress,
    era: context.era,
    method: short(context.method),
    target: target === undefined ? undefined : short(target),
    registeredName: primitive?.name,
    tool: event.tool,
    decision: event.decision,
    outcome: event.outcome,
    errorCode: event.errorCode,
    durationMs: event.durationMs,
  };
}

export function refusalEntry(event: AuthenticationEvent): AuditEntry {
  const { transport, remoteAddress, status, stage, route } = event;
  const atMs = Date.now();
  return { kind: "authentication", atMs, transport, remoteAddress, status, stage, route };
}

export function routeEntry(event: RouteEndEvent): RouteEntry {
  const { principal, remoteAddress, route, status, stage, correlationId, durationMs } = event;
  return {
    kind: "route",
    atMs: Date.now(),
    principal,
    remoteAddress,
    route,
    method: short(event.method),
    status,
    stage,
    correlationId,
    durationMs,
  };
}

export function limitEntry({ limit }: LimitEvent): AuditEntry {
  return { kind: "limit", atMs: Date.now(), limit };
}

/** A part of a long text, without the rest: V8's slices keep the whole alive. */
function short(text: string): string {
  if (text.length <= MAX_NAME_LENGTH) return text;
  return JSON.parse(JSON.stringify(clip(text, MAX_NAME_LENGTH))) as string;
}

/** A call like an earlier one but for who, from where, when and how long: its members are the same text. */
interface KnownCall {
  readonly like: CallEntry;
  readonly text: string;
}

/**
 * Writes entries as the members of their lines. Nearly every call is like one that was written before, so the
 * text of what is asked and how it ended is kept by target, and that of principals and addresses beside it:
 * this happens once for every request.
 */
export class EntryWriter {
  readonly #crypto: NodeCrypto;
  readonly #schemaHashes = new WeakMap<Tool, string>();
  readonly #principals = new WeakMap<Principal, string>();
  readonly #calls = new Map<string | undefined, KnownCall>();
  readonly #addresses = new Map<string, string>();

  constructor(crypto: NodeCrypto) {
    this.#crypto = crypto;
  }

  /** JSON members without braces. */
  members(entry: AuditEntry): string {
    if (entry.kind === "call") return this.#call(entry);
    if (entry.kind === "route") return this.#route(entry);
    const { atMs: _atMs, ...shown } = entry;
    return toMembers(shown);
  }

  #call(entry: CallEntry): string {
    const { correlationId, principal, remoteAddress, target, durationMs } = entry;
    let known = this.#calls.get(target);
    if (known === undefined || !isAlike(known.like, entry)) {
      known = { like: entry, text: this.#asked(entry) };
      remember(this.#calls, target, known);
    }
    const who = this.#who(principal);
    const where = remoteAddress === undefined ? "" : this.#address(remoteAddress);
    const took = rounded(durationMs);
    return `"kind":"call","correlationId":${quoteId(correlationId)},"principal":${who}${where}${known.text},"durationMs":${took}`;
  }

  #route({ atMs: _atMs, kind, principal, durationMs, ...shown }: RouteEntry): string {
    const who = this.#who(principal);
    return `"kind":"${kind}","principal":${who},${toMembers(shown)},"durationMs":${rounded(durationMs)}`;
  }

  /** What is asked, and how it ended. */
  #asked(entry: CallEntry): string {
    const { transport, era, method, target, registeredName, tool } = entry;
    const { decision, outcome, errorCode } = entry;
    let text = `,"transport":${quote(transport)},"era":${quote(era)},"method":${quote(method)}`;
    if (target !== undefined) {
      // What is registered was named by the server's author; the rest by anybody.
      const shown = target === registeredName ? target : redactText(target, 2 * MAX_NAME_LENGTH);
      text += `,"target":${quote(shown)},"known":${registeredName !== undefined}`;
    }
    if (tool !== undefined) text += `,"schemaHash":"${this.#schemaHash(tool)}"`;
    if (decision !== undefined) text += `,"decision":${quote(decision)}`;
    text += `,"outcome":${quote(outcome)}`;
    return errorCode === undefined ? text : `${text},"errorCode":${JSON.stringify(errorCode)}`;
  }

  #address(remoteAddress: string): string {
    let text = this.#addresses.get(remoteAddress);
    if (text === undefined) {
      text = `,"remoteAddress":${quote(remoteAddress)}`;
      remember(this.#addresses, remoteAddress, text);
    }
    return text;
  }

  #who(principal: Principal | undefined): string {
    if (principal === undefined) return "null";
    let shown = this.#principals.get(principal);
    if (shown === undefined) {
      const { id, issuer, clientId } = principal;
      const audited: AuditedPrincipal = {
        id: clip(id, MAX_NAME_LENGTH),
        ...(issuer !== undefined && { issuer: clip(issuer, MAX_NAME_LENGTH) }),
        ...(clientId !== undefined && { clientId: clip(clientId, MAX_NAME_LENGTH) }),
      };
      shown = printableJson(JSON.stringify(audited));
      this.#principals.set(principal, shown);
    }
    return shown;
  }

  #schemaHash(tool: Tool): string {
    let hash = this.#schemaHashes.get(tool);
    if (hash === undefined) {
      const text = canonicalJson({ input: tool.inputSchema, output: tool.outputSchema });
      hash = this.#crypto.createHash("sha256").update(text).digest("base64url");
      this.#schemaHashes.set(tool, hash);
    }
    return hash;
  }
}

/** Whether the text of what was asked and how it ended is the same. */
function isAlike(one: CallEntry, other: CallEntry): boolean {
  return (
    one.tool === other.tool &&
    one.outcome === other.outcome &&
    one.decision === other.decision &&
    one.method === other.method &&
    one.registeredName === other.registeredName &&
    one.transport === other.transport &&
    one.era === other.era &&
    one.errorCode === other.errorCode
  );
}

function remember<Key, Value>(known: Map<Key, Value>, key: Key, value: Value): void {
  if (known.size >= MAX_REMEMBERED) known.clear();
  known.set(key, value);
}

function rounded(durationMs: number): number {
  return Math.round(durationMs * 1_000) / 1_000;
}

/** An id is nearly always a UUID, of which the JSON is itself in quotes. */
function quoteId(id: string): string {
  return UUID.test(id) ? `"${id}"` : quote(id);
}

function quote(text: string): string {
  return printableJson(JSON.stringify(text));
}

/** JSON members without braces, in which nothing can act on a terminal. */
export function toMembers(value: object): string {
  return printableJson(JSON.stringify(value).slice(1, -1));
}
