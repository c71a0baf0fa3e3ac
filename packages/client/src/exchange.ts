import type {
  DeadlineEntry,
  DeadlineKind,
  JsonObject,
  ListNode,
  MCPError,
  RequestId,
} from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import type { Link } from "./link.ts";
import type { ResponseReceiver } from "./transport.ts";

/** Who waits for the answer to one wire request. The methods must not throw. */
export interface ExchangeOwner {
  /** The `result` of the response, as the server sent it. Nothing follows. */
  onResult(result: JsonObject): void;
  /** The server's error, or why there is none. Nothing follows. */
  onError(error: MCPError | MCPClientError): void;
  /** A notification of this request: `notifications/progress`, `notifications/message`, or of its subscription. */
  onNotification(method: string, params: JsonObject): void;
}

/** One request on the wire, from its sending to its response: correlation, deadlines, cancellation. */
export class Exchange implements ResponseReceiver, DeadlineEntry, ListNode<Exchange> {
  readonly id: RequestId;
  readonly method: string;
  readonly owner: ExchangeOwner;
  readonly #link: Link;
  settled = false;
  /** The session that the answer to `initialize` opened. */
  sessionId: string | undefined = undefined;
  /** HTTP: the status of 400 or above that the server's error came with, and its `Retry-After`. */
  status: number | undefined = undefined;
  retryAfterMs: number | undefined = undefined;
  // The fields of the link's list.
  listNext: Exchange | undefined = undefined;
  listPrevious: Exchange | undefined = undefined;
  listed = false;
  // The deadline wheel's fields.
  idleMs: number = Number.POSITIVE_INFINITY;
  totalMs: number = Number.POSITIVE_INFINITY;
  startedAtMs = 0;
  wheelTouchedAtMs = 0;
  wheelSlot = -1;
  wheelNext: DeadlineEntry | undefined = undefined;
  wheelPrevious: DeadlineEntry | undefined = undefined;

  constructor(link: Link, id: RequestId, method: string, owner: ExchangeOwner) {
    this.#link = link;
    this.id = id;
    this.method = method;
    this.owner = owner;
  }

  onStatus(status: number, retryAfterMs: number | undefined): void {
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  onSession(sessionId: string): void {
    this.sessionId = sessionId;
  }

  onMessage(message: unknown): void {
    this.#link.received(message, this);
  }

  onFailure(error: MCPClientError): void {
    if (this.settled) return;
    this.#link.settled(this);
    this.owner.onError(error);
  }

  onDeadline(which: DeadlineKind, limitMs: number): void {
    this.#link.giveUp(
      this,
      new MCPClientError(
        "timeout",
        which === "idle"
          ? `${this.method}: nothing heard for timeoutMs (${limitMs} ms)`
          : `${this.method}: maxTotalTimeoutMs ran out (${Math.round(limitMs)} ms were left to this attempt)`,
        { details: { deadline: which, limitMs } },
      ),
      `the client's ${which} deadline ran out`,
    );
  }

  /** Gives the request up: the server is told as its era wants it, and the owner gets `error`. */
  giveUp(error: MCPError | MCPClientError, reason: string): void {
    this.#link.giveUp(this, error, reason);
  }
}
