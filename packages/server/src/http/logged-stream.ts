import type { EventLog, Logger } from "@backplane/protocol";
import type { HttpExchange, SseStream } from "./exchange.ts";

/** What a stream needs of the server object that writes it. */
export interface LoggedStreamHost {
  readonly logger: Logger;
  /** Most text that may wait for the log before notifications are dropped. */
  readonly maxQueuedChars: number;
  /** The log has grown or ended, and a client follows it on another connection. */
  grew(stream: LoggedStream): void;
  /** Nothing follows: from now on the stream is only kept for a while. */
  ended(stream: LoggedStream): void;
}

/** Ticks without a sign of life after which a follower, or a writer, counts as gone. */
export const MISSED_BEATS = 4;

/**
 * The writer of one resumable SSE stream (2025-11-25, basic/transports): each message goes to the log,
 * then, with the id that the log gave it, to the connection if there is one. The stream outlives its
 * connections: a client that comes back follows the log.
 */
export class LoggedStream {
  readonly sessionId: string;
  /** Names the stream within its session; part of every event id. */
  readonly key: string;
  /** When an ended stream can no longer be resumed. */
  expiresAtMs: number = Number.POSITIVE_INFINITY;
  /** Told when the client is gone, not when the connection was ended here. */
  onDisconnect: (() => void) | undefined;
  readonly #host: LoggedStreamHost;
  readonly #log: EventLog | undefined;
  #connection: SseStream | undefined;
  /** Steps run one after another, so that the log and every connection see the same order. */
  #tail: Promise<void> = Promise.resolve();
  #queuedChars = 0;
  #beatsLeft = 0;
  #ended = false;
  #warned = false;

  /** @param log undefined for revisions without resumption: messages then go to the connection alone. */
  constructor(sessionId: string, key: string, log: EventLog | undefined, host: LoggedStreamHost) {
    this.sessionId = sessionId;
    this.key = key;
    this.#log = log;
    this.#host = host;
  }

  /** The stream's name in the log. Holds the session's id, so that no session can name another's. */
  get streamId(): string {
    return streamIdOf(this.sessionId, this.key);
  }

  get resumable(): boolean {
    return this.#log !== undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** Answers an exchange with this stream. */
  connect(exchange: HttpExchange): SseStream {
    const connection = exchange.openStream();
    this.#connection = connection;
    exchange.onDisconnect(() => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.onDisconnect?.();
    });
    return connection;
  }

  /** An id without data, with which a client can come back although nothing was said yet (SEP-1699). */
  prime(retryMs: number): void {
    this.#enqueue(() => this.#append("", retryMs));
  }

  /** Sends a message that must arrive: a response, or a request of the server. */
  send(data: string): void {
    if (this.#ended) return;
    if (this.#log === undefined) {
      this.#connection?.send({ data });
      return;
    }
    this.#queuedChars += data.length;
    this.#enqueue(() => this.#append(data, undefined));
  }

  /** Sends a notification. A handler that floods the log loses some, and that is said once. */
  notify(data: string): void {
    if (this.#queuedChars <= this.#host.maxQueuedChars) this.send(data);
    else
      this.#warn(undefined, "notifications were dropped: they come faster than the log takes them");
  }

  /** Ends the connection, not the stream. @returns false when there was none to end. */
  release(retryMs: number): boolean {
    if (this.#connection === undefined || this.#connection.closed) return false;
    this.#enqueue(async () => {
      this.#connection?.send({ retryMs });
      this.#disconnect();
    });
    return true;
  }

  /** Says in the log which stream goes on where this one ends; the connection is not told. */
  succeed(key: string): void {
    this.#enqueue(async () => {
      try {
        await this.#log?.append(this.streamId, SUCCESSOR + key);
      } catch (error) {
        this.#warn(error, "the successor of a stream was not logged");
      }
    });
  }

  /** A client follows the log on another connection; this one, if any, ends. */
  follow(): void {
    this.#beatsLeft = MISSED_BEATS;
    this.#disconnect();
    this.#host.grew(this);
  }

  /** Called once per tick: a follower that gives no sign of life is not told of growth any more. */
  beat(): void {
    if (this.#beatsLeft > 0) this.#beatsLeft--;
  }

  /** Ends the stream after what was sent. Resolves once the log knows. Idempotent. */
  end(): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      this.#enqueue(() => this.#end());
    }
    return this.#tail;
  }

  #enqueue(step: () => Promise<void>): void {
    this.#tail = this.#tail
      .then(step)
      .catch((error: unknown) => this.#warn(error, "a step of a stream failed"));
  }

  async #append(data: string, retryMs: number | undefined): Promise<void> {
    let id: string | undefined;
    try {
      id = await this.#log?.append(this.streamId, data);
    } catch (error) {
      this.#warn(error, "an event was not logged: a client that disconnects now misses it");
    }
    this.#queuedChars -= data.length;
    this.#connection?.send({
      ...(id !== undefined && { id: eventId(this.key, id) }),
      ...(retryMs !== undefined && { retryMs }),
      data,
    });
    if (this.#beatsLeft > 0) this.#host.grew(this);
  }

  async #end(): Promise<void> {
    try {
      await this.#log?.end(this.streamId);
    } catch (error) {
      this.#warn(error, "the end of a stream was not logged");
    }
    this.#disconnect();
    if (this.#beatsLeft > 0) this.#host.grew(this);
    this.#host.ended(this);
  }

  #disconnect(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #warn(error: unknown, message: string): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#host.logger.warn({ ...(error !== undefined && { err: error }) }, message);
  }
}

/** Begins an entry of the log that is no message: those begin with a brace. */
const SUCCESSOR = "successor ";

/** The successor that an entry of the log names; undefined for a message. */
export function successorIn(data: string): string | undefined {
  return data.startsWith(SUCCESSOR) ? data.slice(SUCCESSOR.length) : undefined;
}

export function streamIdOf(sessionId: string, key: string): string {
  return `${sessionId}/${key}`;
}

/** An event's id on the wire: unique in the session because the stream's key is (2025-11-25, basic/transports). */
export function eventId(key: string, logId: string): string {
  return `${key}.${logId}`;
}

/** Where a client was when it lost a stream. */
export interface Cursor {
  readonly key: string;
  /** The stream of one call, or the session's GET stream. */
  readonly kind: StreamKind;
  readonly logId: string;
}

/** The first letter of a stream's key. */
export type StreamKind = "call" | "session";

const CURSOR = /^([cs][0-9a-z]{1,40})\.([!-~]{1,100})$/;

export function streamKey(kind: StreamKind, name: string): string {
  return (kind === "call" ? "c" : "s") + name;
}

/** Reads a `Last-Event-ID`. @returns undefined for what was not made here. */
export function parseCursor(header: string): Cursor | undefined {
  const [, key, logId] = CURSOR.exec(header) ?? [];
  if (key === undefined || logId === undefined) return undefined;
  return { key, kind: key.startsWith("c") ? "call" : "session", logId };
}
