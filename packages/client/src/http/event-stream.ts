import { MCPClientError } from "../errors.ts";
import type { HttpCall, HttpRefusal, HttpReply } from "./http-call.ts";
import type { HttpChannel } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import type { HttpTarget, ResponseHeaders } from "./http-sender.ts";
import { ReconnectSchedule } from "./reconnect-schedule.ts";
import { refusalError } from "./refusal.ts";
import type { HeaderList } from "./request-headers.ts";
import { bodyKind } from "./response-head.ts";
import { type SseEvent, SseReader } from "./sse-reader.ts";

/** Who listens to an event stream. The methods never throw. */
export interface EventStreamOwner {
  /** It works: called for the first answer and after each reopening. */
  onOpen(): void;
  onEvent(event: SseEvent): void;
  /** It broke and will be opened again. */
  onInterrupted(error: MCPClientError): void;
  /** It is over for good. Nothing follows. */
  onEnded(error: MCPClientError): void;
}

/** What an event stream is made with. */
export interface EventStreamParts {
  readonly channel: HttpChannel;
  readonly options: HttpTransportOptions;
  readonly target: HttpTarget;
  /** `Last-Event-ID` is added to them. */
  readonly headers: () => HeaderList;
  readonly inSession: boolean;
  /** Calls back after a time, and returns the cancellation: whether waiting keeps a process alive is its matter. */
  readonly wait: (delayMs: number, callback: () => void) => () => void;
  readonly owner: EventStreamOwner;
}

/**
 * A stream of events by GET that is opened again when it breaks: after `retry` where the server sent one, though
 * never without a pause ({@link ReconnectSchedule}), else with jittered backoff, from the last event id on
 * (2025-11-25, basic/transports). It is given up when attempts bring nothing for too long, or when the server
 * refuses in a way that will not change.
 */
export class EventStream implements HttpReply {
  readonly #parts: EventStreamParts;
  readonly #schedule: ReconnectSchedule;
  #reader: SseReader | undefined;
  #call: HttpCall | undefined = undefined;
  #cancelWait: (() => void) | undefined = undefined;
  /** It worked once: from then on a failure is an interruption. */
  #established: boolean;
  #openedAtMs = 0;
  #stopped = false;

  /** @param interrupted the stream of a POST that broke off, to go on from its cursor. */
  constructor(parts: EventStreamParts, interrupted?: SseReader) {
    this.#parts = parts;
    const { reconnect, random, clock } = parts.options;
    this.#schedule = new ReconnectSchedule(reconnect, random, () => clock.now());
    this.#reader = interrupted;
    this.#established = interrupted !== undefined;
  }

  /** Opens it now. A first attempt that fails ends it. */
  open(): void {
    const { channel, target, headers } = this.#parts;
    const cursor = this.#reader?.lastEventId;
    this.#call = channel.call(
      {
        target,
        method: "GET",
        headers: cursor === undefined ? headers() : [...headers(), "last-event-id", cursor],
        body: undefined,
        apart: true,
      },
      this,
    );
  }

  /** Opens it after the wait that is due. */
  reopen(error: MCPClientError): void {
    const retryMs = this.#reader?.retryMs;
    const askedMs =
      error.retryAfterMs === undefined ? retryMs : Math.max(retryMs ?? 0, error.retryAfterMs);
    const delayMs = this.#schedule.next(askedMs);
    if (delayMs === undefined) {
      this.#end(
        new MCPClientError(
          "stream_exhausted",
          `the event stream could not be opened again: ${error.message}`,
          { cause: error, status: error.status },
        ),
      );
      return;
    }
    this.#parts.owner.onInterrupted(error);
    if (this.#stopped) return;
    this.#cancelWait = this.#parts.wait(delayMs, () => {
      this.#cancelWait = undefined;
      this.open();
    });
  }

  /** Closes it; the owner hears no more. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#cancelWait?.();
    this.#reader?.stop();
    this.#call?.cancel();
  }

  onHead(status: number, headers: ResponseHeaders): void {
    if (status !== 200 || bodyKind(headers) !== "event-stream") {
      this.#call?.cancel();
      const where = this.#call?.where ?? "GET";
      this.#end(
        new MCPClientError(
          "invalid_response",
          `${where}: answered ${status} without an event stream`,
          {
            status,
          },
        ),
      );
      return;
    }
    const { options, owner } = this.#parts;
    this.#reader = new SseReader(
      options.limits.maxResponseBytes,
      (event) => {
        this.#schedule.worked();
        owner.onEvent(event);
      },
      this.#reader,
    );
    this.#established = true;
    this.#openedAtMs = options.clock.now();
    owner.onOpen();
  }

  onData(chunk: Uint8Array): void {
    if (this.#reader?.feed(chunk) !== false) return;
    this.#call?.cancel();
    const { maxResponseBytes } = this.#parts.options.limits;
    this.#end(
      new MCPClientError(
        "response_too_large",
        `${this.#call?.where}: an event passes limits.maxResponseBytes (${maxResponseBytes})`,
      ),
    );
  }

  onEnd(): void {
    this.onError(
      new MCPClientError(
        "connection_lost",
        `${this.#call?.where}: the server ended the event stream`,
      ),
    );
  }

  onRefusal(refusal: HttpRefusal): void {
    const { options, inSession } = this.#parts;
    this.#failed(
      refusalError(refusal, {
        where: this.#call?.where ?? "GET",
        inSession,
        maxJsonDepth: options.limits.maxJsonDepth,
        nowMs: options.clock.now(),
      }),
    );
  }

  onError(error: MCPClientError): void {
    this.#failed(error);
  }

  #failed(error: MCPClientError): void {
    if (this.#stopped) return;
    const { clock, reconnect } = this.#parts.options;
    // A proxy may end silent streams every minute: what lasted that long did work.
    if (this.#openedAtMs > 0 && clock.now() - this.#openedAtMs > reconnect.maxDelayMs) {
      this.#schedule.worked();
    }
    this.#openedAtMs = 0;
    const final = !this.#established || error.retry === "never" || error.code === "session_lost";
    if (final) this.#end(error);
    else this.reopen(error);
  }

  #end(error: MCPClientError): void {
    if (this.#stopped) return;
    this.stop();
    this.#parts.owner.onEnded(error);
  }
}
