import {
  type AuthenticationEvent,
  canonicalJson,
  clip,
  type LimitEvent,
  type Principal,
  type RequestEndEvent,
  redactText,
  type Tool,
} from "@backplane/protocol";
import { printableJson } from "../internal/printable.ts";
import type { AuditedPrincipal } from "./audit-record.ts";
import type { NodeCrypto } from "./chain.ts";

/** Most characters of a name that a client chose. */
const MAX_NAME_LENGTH = 256;

/** Texts of which the JSON is kept. */
const MAX_REMEMBERED = 1_000;

/**
 * What is kept of an event until it is written: values and what is shared anyway, never the request itself,
 * which would keep its arguments alive.
 */
export type AuditEntry =
  | {
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
  | {
      readonly kind: "authentication";
      readonly atMs: number;
      readonly transport: string;
      readonly remoteAddress: string | undefined;
      readonly status: number | undefined;
      readonly stage: string | undefined;
    }
  | { readonly kind: "limit"; readonly atMs: number; readonly limit: string };

export function callEntry(event: RequestEndEvent): AuditEntry {
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
  const { transport, remoteAddress, status, stage } = event;
  return { kind: "authentication", atMs: Date.now(), transport, remoteAddress, status, stage };
}

export function limitEntry({ limit }: LimitEvent): AuditEntry {
  return { kind: "limit", atMs: Date.now(), limit };
}

/** A part of a long text, without the rest: V8's slices keep the whole alive. */
function short(text: string): string {
  if (text.length <= MAX_NAME_LENGTH) return text;
  return JSON.parse(JSON.stringify(clip(text, MAX_NAME_LENGTH))) as string;
}

/**
 * Writes entries as the members of their lines. The texts of a call are nearly always ones that were written
 * before, so their JSON is kept: putting it together costs a quarter of what `JSON.stringify` does, and this
 * happens once for every request.
 */
export class EntryWriter {
  readonly #crypto: NodeCrypto;
  readonly #schemaHashes = new WeakMap<Tool, string>();
  readonly #principals = new WeakMap<Principal, string>();
  readonly #quoted = new Map<string, string>();
  readonly #targets = new Map<string, string>();

  constructor(crypto: NodeCrypto) {
    this.#crypto = crypto;
  }

  /** JSON members without braces. */
  members(entry: AuditEntry): string {
    if (entry.kind === "call") return this.#call(entry);
    const { atMs: _atMs, ...shown } = entry;
    return toMembers(shown);
  }

  #call(entry: AuditEntry & { kind: "call" }): string {
    const { principal, remoteAddress, target, registeredName, tool, decision, errorCode } = entry;
    let text = `"kind":"call","correlationId":${quote(entry.correlationId)},"principal":`;
    text += principal === undefined ? "null" : this.#principal(principal);
    text += `,"transport":${this.#quote(entry.transport)}`;
    if (remoteAddress !== undefined) text += `,"remoteAddress":${this.#quote(remoteAddress)}`;
    text += `,"era":${this.#quote(entry.era)},"method":${this.#quote(entry.method)}`;
    if (target !== undefined) {
      // What is registered was named by the server's author; the rest by anybody.
      text += `,"target":${target === registeredName ? this.#quote(target) : this.#clean(target)}`;
      text += registeredName === undefined ? ',"known":false' : ',"known":true';
    }
    if (tool !== undefined) text += `,"schemaHash":"${this.#schemaHash(tool)}"`;
    if (decision !== undefined) text += `,"decision":${this.#quote(decision)}`;
    text += `,"outcome":${this.#quote(entry.outcome)}`;
    if (errorCode !== undefined) text += `,"errorCode":${JSON.stringify(errorCode)}`;
    return `${text},"durationMs":${Math.round(entry.durationMs * 1_000) / 1_000}`;
  }

  #principal(principal: Principal): string {
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

  #quote(text: string): string {
    return remembered(this.#quoted, text, quote);
  }

  #clean(target: string): string {
    return remembered(this.#targets, target, (text) =>
      quote(redactText(text, 2 * MAX_NAME_LENGTH)),
    );
  }
}

function remembered(
  known: Map<string, string>,
  text: string,
  make: (text: string) => string,
): string {
  let made = known.get(text);
  if (made === undefined) {
    made = make(text);
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, made);
  }
  return made;
}

function quote(text: string): string {
  return printableJson(JSON.stringify(text));
}

/** JSON members without braces, in which nothing can act on a terminal. */
export function toMembers(value: object): string {
  return printableJson(JSON.stringify(value).slice(1, -1));
}
