import type { JsonRpcResponse, LogLevel, RequestId } from "@backplane/protocol";
import type { ResolvedOptions } from "./options.ts";

/** What server objects tell each other of legacy sessions: whoever holds the part that it is about acts. */
export type ControlMessage = { readonly session: string } & (
  | /** A client answered a server request. */
  { readonly type: "answer"; readonly response: JsonRpcResponse }
  | { readonly type: "cancel"; readonly requestId: RequestId; readonly reason: string }
  | { readonly type: "end" }
  | { readonly type: "level"; readonly level: LogLevel }
  | {
      readonly type: "subscription";
      readonly uri: string;
      readonly subscribed: boolean;
    } /** A GET stream was opened; an older one hands over to it. */
  | {
      readonly type: "stream";
      readonly key: string;
    } /** The client came back for a call's stream; its writer says when the log has grown. */
  | { readonly type: "follow"; readonly key: string; readonly follower: string }
  | {
      readonly type: "grew";
      readonly key: string;
    } /** A message for the client of an HTTP+SSE session, on the stream that another object holds. */
  | { readonly type: "sse"; readonly text: string }
);

/** One topic for all sessions: a topic of its own would cost each idle session a subscription. */
const TOPIC = "sessions";

/** How long after the bus refused a subscription the next request tries again. */
const RETRY_MS = 1_000;

/** The control topic as one server object sees it. Its own messages do not come back. */
export class SessionControl {
  readonly #options: Pick<ResolvedOptions, "eventBus" | "logger" | "clock">;
  readonly #serverId: string;
  readonly #receive: (message: ControlMessage) => void;
  #starting: Promise<void> | undefined;
  #unsubscribe: (() => Promise<void>) | undefined;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  /** Whether the log was told that the bus is away. */
  #warned = false;

  constructor(
    options: Pick<ResolvedOptions, "eventBus" | "logger" | "clock">,
    serverId: string,
    receive: (message: ControlMessage) => void,
  ) {
    this.#options = options;
    this.#serverId = serverId;
    this.#receive = receive;
  }

  /** Whether messages arrive; a session is served only then, or its cancellation could be missed. */
  get started(): boolean {
    return this.#unsubscribe !== undefined;
  }

  /** Subscribes, once. Without a bus the sessions of this object still work, and that is said. */
  start(): Promise<void> {
    if (this.#starting === undefined && this.#options.clock.now() < this.#retryAtMs) {
      return Promise.resolve();
    }
    this.#starting ??= this.#start();
    return this.#starting;
  }

  publish(message: ControlMessage): void {
    const text = JSON.stringify({ from: this.#serverId, ...message });
    this.#options.eventBus.publish(TOPIC, text).then(
      () => {
        this.#warned = false;
      },
      (error: unknown) => this.#warn(error),
    );
  }

  async close(): Promise<void> {
    await this.#starting;
    const unsubscribe = this.#unsubscribe;
    this.#unsubscribe = undefined;
    this.#starting = undefined;
    await unsubscribe?.();
  }

  async #start(): Promise<void> {
    try {
      this.#unsubscribe = await this.#options.eventBus.subscribe(TOPIC, (text) => {
        const message = JSON.parse(text) as ControlMessage & { readonly from: string };
        if (message.from !== this.#serverId) this.#receive(message);
      });
      this.#warned = false;
    } catch (error) {
      this.#starting = undefined;
      this.#retryAtMs = this.#options.clock.now() + RETRY_MS;
      this.#warn(error);
    }
  }

  /** Once for each time that it is away, not for each request. */
  #warn(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#options.logger.warn(
      { err: error },
      "the event bus is away: sessions do not reach across server objects",
    );
  }
}
