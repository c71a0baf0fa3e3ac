import type { MCPError } from "@backplane/protocol";
import type { MCPClientError } from "../errors.ts";
import type { Link } from "../link.ts";
import { isLost } from "../shared-link.ts";
import type { DiscardReason } from "./pool-stats.ts";

/** A connection of the pool. */
export interface Member {
  readonly link: Link;
  readonly expiresAtMs: number;
  /** How often the agreement with the server had been lost when it was opened. */
  readonly generation: number;
  /** When a request on it ended last. */
  usedAtMs: number;
  /** When it was last known to work. */
  provedAtMs: number;
  /** Why it ends as soon as it is given back. */
  ends: DiscardReason | undefined;
}

/** The connections that nobody uses, the one used last at the end. */
export class IdleMembers {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** The least used first; a copy, since what is done with them changes the list. */
  all(): Member[] {
    return [...this.#members];
  }

  push(member: Member): void {
    this.#members.push(member);
  }

  pop(): Member | undefined {
    return this.#members.pop();
  }

  /** Puts one back that was taken out for something else than use. */
  putBack(member: Member): void {
    const newer = this.#members.findIndex(({ usedAtMs }) => usedAtMs > member.usedAtMs);
    this.#members.splice(newer === -1 ? this.#members.length : newer, 0, member);
  }

  /** @returns false when it is not idle. */
  remove(member: Member): boolean {
    const place = this.#members.indexOf(member);
    if (place !== -1) this.#members.splice(place, 1);
    return place !== -1;
  }
}

/**
 * What a failure says of the connection it happened on. `stale`: what was settled with the server no longer
 * holds, here and on all older ones. `failed`: it is of no use, or might answer the wrong question.
 */
export function verdictOn(failure: MCPError | MCPClientError): "stale" | "failed" | undefined {
  if (isLost(failure)) return "stale";
  if (isDisconnect(failure)) return "failed";
  const { code } = failure;
  return code === "timeout" || code === "invalid_response" || code === "closed"
    ? "failed"
    : undefined;
}

/** The other connections may have ended with this one. */
export function isDisconnect({ code }: MCPError | MCPClientError): boolean {
  return code === "connection_failed" || code === "connection_lost";
}
