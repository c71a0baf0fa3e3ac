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
import type { TextBuffer } from "./text-buffer.ts";

/** Most characters of a name that a client chose. */
const MAX_NAME_LENGTH = 256;

/** Texts of which the JSON is kept, of each sort. */
const MAX_REMEMBERED = 1_000;

const CALL_START = ',"kind":"call","correlationId":';
const NOBODY = Buffer.from(',"principal":null');

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

/** A call like an earlier one but for who, from where, when and how long: its members are the same bytes. */
interface KnownCall {
  readonly like: CallEntry;
  readonly bytes: Uint8Array;
}

/**
 * Writes entries as the members of their lines. Nearly every call is like one that was written before, so the
 * bytes of what is asked and how it ended are kept by target, and those of principals and addresses beside them:
 * this happens once for every request.
 */
export class EntryWriter {
  readonly #crypto: NodeCrypto;
  readonly #schemaHashes = new WeakMap<Tool, string>();
  readonly #principals = new WeakMap<Principal, Uint8Array>();
  readonly #calls = new Map<string | undefined, KnownCall>();
  readonly #addresses = new Map<string, Uint8Array>();
  #timeMs = Number.NaN;
  #time: Uint8Array = new Uint8Array(0);
  /** With the time before it. */
  #callStart: Uint8Array = this.#time;

  constructor(crypto: NodeCrypto) {
    this.#crypto = crypto;
  }

  /** Writes JSON members, each after a comma. */
  write(text: TextBuffer, entry: AuditEntry): void {
    if (entry.atMs !== this.#timeMs) this.#becomes(entry.atMs);
    if (entry.kind === "call") {
      this.#call(text, entry);
      return;
    }
    text.put(this.#time);
    if (entry.kind === "route") {
      this.#route(text, entry);
      return;
    }
    const { atMs: _atMs, ...shown } = entry;
    text.write(`,${toMembers(shown)}`);
  }

  /** Many records come in one millisecond. */
  #becomes(timeMs: number): void {
    const time = `,"time":"${new Date(timeMs).toISOString()}"`;
    this.#timeMs = timeMs;
    this.#time = Buffer.from(time);
    this.#callStart = Buffer.from(`${time}${CALL_START}`);
  }

  #call(text: TextBuffer, entry: CallEntry): void {
    const { correlationId, principal, remoteAddress, target, durationMs } = entry;
    let known = this.#calls.get(target);
    if (known === undefined || !isAlike(known.like, entry)) {
      known = { like: entry, bytes: Buffer.from(`${this.#asked(entry)},"durationMs":`) };
      remember(this.#calls, target, known);
    }
    text.put(this.#callStart);
    // An id is nearly always a UUID.
    if (!text.writePlainString(correlationId)) text.write(quote(correlationId));
    text.put(this.#who(principal));
    if (remoteAddress !== undefined) text.put(this.#address(remoteAddress));
    text.put(known.bytes);
    text.writeThousandths(thousandths(durationMs));
  }

  #route(text: TextBuffer, entry: RouteEntry): void {
    const { atMs: _atMs, kind, principal, durationMs, ...shown } = entry;
    text.write(`,"kind":"${kind}"`);
    text.put(this.#who(principal));
    text.write(`,${toMembers(shown)},"durationMs":`);
    text.writeThousandths(thousandths(durationMs));
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

  #address(remoteAddress: string): Uint8Array {
    let bytes = this.#addresses.get(remoteAddress);
    if (bytes === undefined) {
      bytes = Buffer.from(`,"remoteAddress":${quote(remoteAddress)}`);
      remember(this.#addresses, remoteAddress, bytes);
    }
    return bytes;
  }

  #who(principal: Principal | undefined): Uint8Array {
    if (principal === undefined) return NOBODY;
    let bytes = this.#principals.get(principal);
    if (bytes === undefined) {
      const { id, issuer, clientId } = principal;
      const audited: AuditedPrincipal = {
        id: clip(id, MAX_NAME_LENGTH),
        ...(issuer !== undefined && { issuer: clip(issuer, MAX_NAME_LENGTH) }),
        ...(clientId !== undefined && { clientId: clip(clientId, MAX_NAME_LENGTH) }),
      };
      bytes = Buffer.from(`,"principal":${printableJson(JSON.stringify(audited))}`);
      this.#principals.set(principal, bytes);
    }
    return bytes;
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

function thousandths(durationMs: number): number {
  return Math.round(durationMs * 1_000);
}

function quote(text: string): string {
  return printableJson(JSON.stringify(text));
}

/** JSON members without braces, in which nothing can act on a terminal. */
export function toMembers(value: object): string {
  return printableJson(JSON.stringify(value).slice(1, -1));
}
