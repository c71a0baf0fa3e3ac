import type { JsonRpcResponse, RequestId } from "@backplane/protocol";
import type { Call } from "./call.ts";
import type { LogFollower } from "./http/log-follower.ts";
import type { LoggedStream } from "./http/logged-stream.ts";
import type { Outlet } from "./outlet.ts";

/** The outlet of a call that belongs to a session. */
export interface SessionOutlet extends Outlet {
  /** Set while the call runs on, from which on the session knows it. */
  running: RunningCall | undefined;
  /** Takes a client's answer. @returns whether this call had asked. */
  answer(response: JsonRpcResponse): boolean;
  /** The call has been silent for long: its connection must show signs of life. */
  openIfSilent(): void;
}

/** A call that did not end at once. */
export interface RunningCall {
  readonly session: LocalSession;
  readonly call: Call;
  readonly sinceMs: number;
}

/** The stream on which a session's client hears of changes: its GET stream, or that of HTTP+SSE. */
export interface NewsStream {
  readonly key: string;
  /** Whether a client reads it now. */
  readonly connected: boolean;
  subscribe(uri: string, subscribed: boolean): void;
  /** Sends one message; HTTP+SSE only. */
  deliver?(text: string): void;
  /** A newer stream of the session takes its place. */
  yield(successor: string): void;
  /** The server drains: the client is to come back elsewhere. */
  drain(): void;
  /** Ends it for good. */
  end(): void;
  /** Called once per tick. */
  beat(nowMs: number): void;
}

/** What this server object holds of one session; only as long as there is anything. */
export class LocalSession {
  readonly id: string;
  readonly calls: Map<RequestId, Call> = new Map();
  streams: Map<string, LoggedStream> | undefined = undefined;
  followers: Map<string, LogFollower> | undefined = undefined;
  news: NewsStream | undefined = undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** Whether the session must not expire. */
  get active(): boolean {
    return this.calls.size > 0 || this.news?.connected === true || this.followers !== undefined;
  }

  get empty(): boolean {
    return (
      this.calls.size === 0 &&
      this.news === undefined &&
      this.streams === undefined &&
      this.followers === undefined
    );
  }
}
