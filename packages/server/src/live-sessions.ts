import type { RequestId } from "@backplane/protocol";
import type { Call } from "./call.ts";
import { LogFollower, type LogFollowerOptions } from "./http/log-follower.ts";
import {
  LoggedStream,
  type LoggedStreamHost,
  type StreamKind,
  streamKey,
} from "./http/logged-stream.ts";
import { closePart } from "./internal/close-part.ts";
import { randomId } from "./internal/random-id.ts";
import { LocalSession, type RunningCall, type SessionOutlet } from "./local-session.ts";
import type { ResolvedOptions } from "./options.ts";
import { type ControlMessage, SessionControl } from "./session-control.ts";
import type { SessionAnnouncer } from "./sessions.ts";

/** How long a call may be silent before its stream is opened: below the idle limits of common proxies (60 s). */
const SILENCE_MS = 10_000;
const MAX_TICK_MS = 5_000;
const MIN_TICK_MS = 10;
/** Sessions touched by one command. */
const TOUCH_CHUNK = 500;

/**
 * The sessions that have something at this server object: calls that run, streams, followers. Idle ones
 * have nothing here. One timer serves them all, and only while there are any.
 */
export class LiveSessions implements LoggedStreamHost, SessionAnnouncer {
  readonly logger: ResolvedOptions["logger"];
  readonly maxQueuedChars: number;
  readonly control: SessionControl;
  readonly #options: ResolvedOptions;
  readonly #sessions = new Map<string, LocalSession>();
  /** Ended streams that can still be resumed, in the order of their end. */
  readonly #ended = new Set<LoggedStream>();
  /** What runs there, and the option whose seam it waits for. */
  readonly #background = new Map<Promise<void>, "sessionStore" | "eventLog">();
  readonly #tickMs: number;
  readonly #touchEveryMs: number;
  /** Makes keys of streams unique over all server objects. */
  readonly #keyPrefix: string = randomId().slice(0, 16);
  #streamCount = 0;
  #nowMs = 0;
  #touchedAtMs = 0;
  #cancelTick: (() => void) | undefined;

  constructor(options: ResolvedOptions, serverId: string) {
    const { ttlMs, evictIdleMs, resumeWindowMs } = options.sessions;
    this.#options = options;
    this.logger = options.logger;
    this.maxQueuedChars = options.limits.maxQueuedBytes;
    this.control = new SessionControl(options, serverId, (message) => {
      this.receive(message);
    });
    // Three touches within the time after which an untouched session may go: one may be late, one lost.
    this.#touchEveryMs = Math.min(ttlMs, evictIdleMs) / 3;
    const wanted = Math.min(this.#touchEveryMs, resumeWindowMs / 3, MAX_TICK_MS);
    this.#tickMs = Math.max(Math.floor(wanted), MIN_TICK_MS);
  }

  /** Sessions with anything at this server object. */
  get size(): number {
    return this.#sessions.size;
  }

  find(sessionId: string): LocalSession | undefined {
    return this.#sessions.get(sessionId);
  }

  open(sessionId: string): LocalSession {
    let session = this.#sessions.get(sessionId);
    if (session === undefined) {
      session = new LocalSession(sessionId);
      this.#sessions.set(sessionId, session);
      this.#arm();
    }
    return session;
  }

  /** Forgets the session if nothing of it is left here. */
  release(session: LocalSession): void {
    if (session.empty && this.#sessions.get(session.id) === session) {
      this.#sessions.delete(session.id);
    }
  }

  isRunning(sessionId: string, requestId: RequestId): boolean {
    return this.#sessions.get(sessionId)?.calls.has(requestId) === true;
  }

  /** Remembers a call that did not end at once, so that it can be cancelled and answered. */
  track(sessionId: string, call: Call, outlet: SessionOutlet): void {
    const session = this.open(sessionId);
    session.calls.set(call.requestId, call);
    outlet.running = { session, call, sinceMs: this.#nowMs };
  }

  /** The outlet's call has ended. */
  untrack(outlet: SessionOutlet): void {
    const { running } = outlet;
    if (running === undefined) return;
    outlet.running = undefined;
    const { session, call } = running;
    if (session.calls.get(call.requestId) === call) session.calls.delete(call.requestId);
    this.release(session);
  }

  /** A new stream of a session. @param resumable whether the session's revision can resume. */
  openStream(sessionId: string, kind: StreamKind, resumable: boolean): LoggedStream {
    const session = this.open(sessionId);
    const key = streamKey(kind, `${this.#keyPrefix}${(this.#streamCount++).toString(36)}`);
    const log = resumable ? this.#options.eventLog : undefined;
    const stream = new LoggedStream(sessionId, key, log, this);
    session.streams ??= new Map();
    session.streams.set(key, stream);
    return stream;
  }

  /** Sends a connection what a stream's log holds and will hold. An older follower of the stream stops. */
  follow(sessionId: string, options: LogFollowerOptions): LogFollower {
    const session = this.open(sessionId);
    const follower = new LogFollower(options);
    session.followers ??= new Map();
    session.followers.get(options.key)?.stop();
    session.followers.set(options.key, follower);
    follower.start();
    void follower.done.then(() => {
      if (session.followers?.get(options.key) !== follower) return;
      session.followers.delete(options.key);
      if (session.followers.size === 0) session.followers = undefined;
      this.release(session);
    });
    return follower;
  }

  /** Work that nobody waits for but `close`. @param seam the option whose seam it waits for. */
  inBackground(seam: "sessionStore" | "eventLog", work: Promise<void>): void {
    this.#background.set(work, seam);
    void work.finally(() => this.#background.delete(work));
  }

  /** Forgets an ended stream, here and in the log. */
  async forget(stream: LoggedStream): Promise<void> {
    this.#detach(stream);
    if (stream.resumable) await this.#deleteLogs([stream.streamId]);
  }

  ended(stream: LoggedStream): void {
    if (!stream.resumable) {
      this.#detach(stream);
      return;
    }
    stream.expiresAtMs = this.#options.clock.now() + this.#options.sessions.resumeWindowMs;
    this.#ended.add(stream);
    if (this.#ended.size > this.#options.limits.maxStreams) this.#expireStreams(this.#nowMs, 1);
  }

  grew(stream: LoggedStream): void {
    this.tellOwner({ type: "grew", session: stream.sessionId, key: stream.key });
  }

  /** Acts on what is local; when nothing is, asks the other server objects. */
  tellOwner(message: ControlMessage): void {
    if (!this.receive(message)) this.control.publish(message);
  }

  /** Acts here and everywhere. */
  tellAll(message: ControlMessage): void {
    this.receive(message);
    this.control.publish(message);
  }

  /** @returns whether the message found what it is about. */
  receive(message: ControlMessage): boolean {
    const session = this.#sessions.get(message.session);
    if (session === undefined) return false;
    switch (message.type) {
      case "answer":
        for (const { outlet } of session.calls.values()) {
          if ((outlet as SessionOutlet).answer(message.response)) return true;
        }
        return false;
      case "cancel": {
        const call = session.calls.get(message.requestId);
        call?.cancel(message.reason);
        return call !== undefined;
      }
      case "end":
        this.#end(session);
        return true;
      case "level":
        for (const call of session.calls.values()) call.peer.logLevel = message.level;
        return true;
      case "subscription":
        session.news?.subscribe(message.uri, message.subscribed);
        return session.news !== undefined;
      case "stream":
        if (session.news === undefined || session.news.key === message.key) return false;
        session.news.yield(message.key);
        return true;
      case "follow": {
        const follower = session.followers?.get(message.key);
        if (follower !== undefined && follower.name !== message.follower) follower.stop();
        const stream = session.streams?.get(message.key);
        stream?.follow();
        return stream !== undefined;
      }
      case "grew": {
        const follower = session.followers?.get(message.key);
        follower?.grew();
        return follower !== undefined;
      }
      case "sse":
        session.news?.deliver?.(message.text);
        return session.news?.deliver !== undefined;
    }
  }

  /** Ends every GET stream; running calls go on. */
  drain(): void {
    for (const session of [...this.#sessions.values()]) {
      session.news?.drain();
      for (const follower of session.followers?.values() ?? []) follower.stop();
    }
  }

  /** Ends everything and waits until the logs know. */
  async close(): Promise<void> {
    this.drain();
    for (const session of [...this.#sessions.values()]) {
      session.news?.end();
      for (const stream of session.streams?.values() ?? [])
        this.inBackground("eventLog", stream.end());
    }
    const seams = (): string => [...new Set(this.#background.values())].join(", ");
    await closePart(this.logger, seams, () => Promise.all(this.#background.keys()));
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#ended.clear();
    this.#sessions.clear();
    await closePart(this.logger, "eventBus", () => this.control.close());
  }

  /** The session is no more: calls are aborted, streams closed, logs forgotten. */
  #end(session: LocalSession): void {
    for (const call of [...session.calls.values()]) call.cancel("the session has ended");
    session.news?.end();
    for (const follower of session.followers?.values() ?? []) follower.stop();
    const streams = [...(session.streams?.values() ?? [])];
    if (streams.length === 0) return;
    this.inBackground(
      "eventLog",
      Promise.all(streams.map((stream) => stream.end())).then(() => {
        for (const stream of streams) this.#detach(stream);
        return this.#deleteLogs(streams.filter((s) => s.resumable).map((s) => s.streamId));
      }),
    );
  }

  #detach(stream: LoggedStream): void {
    this.#ended.delete(stream);
    const session = this.#sessions.get(stream.sessionId);
    if (session?.streams?.delete(stream.key) !== true) return;
    if (session.streams.size === 0) session.streams = undefined;
    this.release(session);
  }

  async #deleteLogs(streamIds: readonly string[]): Promise<void> {
    try {
      await this.#options.eventLog.delete(streamIds);
    } catch (error) {
      this.logger.warn(
        { err: error },
        "event logs could not be deleted; they expire by themselves",
      );
    }
  }

  #expireStreams(nowMs: number, atLeast: number): void {
    const expired: string[] = [];
    for (const stream of this.#ended) {
      if (stream.expiresAtMs > nowMs && expired.length >= atLeast) break;
      this.#detach(stream);
      expired.push(stream.streamId);
    }
    if (expired.length > 0) this.inBackground("eventLog", this.#deleteLogs(expired));
  }

  #arm(): void {
    if (this.#cancelTick !== undefined) return;
    this.#nowMs = this.#options.clock.now();
    this.#cancelTick = this.#options.clock.after(this.#tickMs, () => this.#tick());
  }

  #tick(): void {
    this.#cancelTick = undefined;
    const nowMs = this.#options.clock.now();
    const silentSinceMs = nowMs - SILENCE_MS;
    const touched: string[] = [];
    for (const session of [...this.#sessions.values()]) {
      if (session.active) touched.push(session.id);
      for (const call of session.calls.values()) {
        const outlet = call.outlet as SessionOutlet;
        if ((outlet.running as RunningCall).sinceMs <= silentSinceMs) outlet.openIfSilent();
      }
      for (const stream of session.streams?.values() ?? []) stream.beat();
      for (const follower of [...(session.followers?.values() ?? [])]) follower.beat();
      session.news?.beat(nowMs);
      this.release(session);
    }
    this.#expireStreams(nowMs, 0);
    if (nowMs - this.#touchedAtMs >= this.#touchEveryMs) {
      this.#touchedAtMs = nowMs;
      this.#touch(touched);
    }
    if (this.#sessions.size > 0) this.#arm();
  }

  #touch(ids: readonly string[]): void {
    const { sessionStore, sessions } = this.#options;
    for (let from = 0; from < ids.length; from += TOUCH_CHUNK) {
      sessionStore
        .touch(ids.slice(from, from + TOUCH_CHUNK), sessions.ttlMs)
        .catch((error: unknown) => {
          this.logger.warn({ err: error }, "sessions with running work could not be touched");
        });
    }
  }
}
