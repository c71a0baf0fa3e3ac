import { clip, type HealthReport } from "@backplane/protocol";
import { observe } from "../observe.ts";
import type { ResolvedDashboard } from "./options.ts";
import { AuditedCalls, type RecentCall, type RecentCalls, SampledCalls } from "./recent-calls.ts";
import { ToolRows } from "./tool-rows.ts";
import { secondOf, Traffic, WINDOW_S } from "./traffic.ts";

const MAX_LISTED = 30;
const MAX_NAME_LENGTH = 200;
const HEALTH_EVERY_MS = 3_000;
/** Calls that are told at first, and in one tick: the last ones, when there were more. */
const CALLS_FIRST = 100;
const CALLS_EACH_TICK = 25;

/** Puts together what the page is told, once for all who look. */
export class Snapshots {
  readonly #options: ResolvedDashboard;
  readonly #traffic = new Traffic();
  readonly #calls: RecentCalls;
  readonly #rows = new ToolRows();
  readonly #end: () => void;
  #health: HealthReport | undefined;
  #askedHealthAtMs = Number.NEGATIVE_INFINITY;
  #asking = false;
  #toldSecond = 0;
  #toldCall = 0;

  constructor(options: ResolvedDashboard) {
    this.#options = options;
    const { audit, server } = options;
    this.#calls = audit === undefined ? new SampledCalls() : new AuditedCalls(audit);
    const listen = audit === undefined ? this.#recordBoth() : this.#recordTraffic();
    this.#end = observe("requestEnd", server.serverId, listen);
  }

  close(): void {
    this.#end();
  }

  /** Everything, for who comes anew. What {@link Snapshots.tick} tells goes on from the tick before. */
  whole(): object {
    const calls = this.#calls.last(CALLS_FIRST).filter(({ seq }) => seq <= this.#toldCall);
    return { windowSeconds: WINDOW_S, ...this.#state(this.#toldSecond, 0), calls };
  }

  /** What is new since the tick before, for those who were there. */
  tick(): object {
    const from = this.#toldSecond;
    this.#toldSecond = secondOf(performance.now());
    const calls = this.#newCalls();
    return { ...this.#state(this.#toldSecond, from), calls };
  }

  /** Takes up where everything began: nobody has looked for a while. */
  restart(): void {
    this.#toldSecond = secondOf(performance.now());
    this.#toldCall = this.#calls.last(1)[0]?.seq ?? 0;
    this.#askHealth();
  }

  #newCalls(): readonly RecentCall[] {
    const calls = this.#calls.last(CALLS_EACH_TICK).filter(({ seq }) => seq > this.#toldCall);
    this.#toldCall = calls[0]?.seq ?? this.#toldCall;
    return calls;
  }

  #state(second: number, from: number): object {
    const { server, metrics, audit } = this.#options;
    const counted = metrics.serverMetrics;
    if (performance.now() - this.#askedHealthAtMs >= HEALTH_EVERY_MS) this.#askHealth();
    const { session, stream, connection } = counted?.opened ?? {};
    return {
      second,
      time: Date.now(),
      seconds: this.#traffic.since(from, second),
      figures: this.#traffic.figures(second),
      load: server.load,
      open: {
        sessions: session?.open ?? 0,
        sessionsOpened: session?.opened ?? 0,
        streams: server.load.streams,
        streamsOpened: stream?.opened ?? 0,
        connections: connection?.open ?? 0,
      },
      tools: this.#rows.of(counted?.operations.operations ?? []),
      caches: listed(counted?.caches ?? []),
      limits: listed(counted?.limits.entries ?? []),
      refusals: listed(counted?.refusals.entries ?? []),
      degraded: [...(counted?.degraded ?? [])].slice(0, MAX_LISTED).map(shortName),
      maskedErrors: counted?.maskedErrors ?? 0,
      audit: audit?.status,
      health: this.#health ?? null,
    };
  }

  #askHealth(): void {
    const { server } = this.#options;
    if (server.checkHealth === undefined || this.#asking) return;
    this.#asking = true;
    this.#askedHealthAtMs = performance.now();
    server
      .checkHealth()
      .then((report) => {
        const checks = Object.entries(report.checks).slice(0, MAX_LISTED * 2);
        this.#health = {
          ...report,
          checks: Object.fromEntries(
            checks.map(([name, { status, message, durationMs }]) => [
              shortName(name),
              {
                status,
                ...(message !== undefined && { message: clip(String(message), 300) }),
                ...(durationMs !== undefined && { durationMs }),
              },
            ]),
          ),
        };
      })
      // A server says so in its own log; the page goes on with what it knew.
      .catch(() => {})
      .finally(() => {
        this.#asking = false;
      });
  }

  #recordTraffic(): Parameters<typeof observe<"requestEnd">>[2] {
    const traffic = this.#traffic;
    return (event) => traffic.record(event);
  }

  #recordBoth(): Parameters<typeof observe<"requestEnd">>[2] {
    const [traffic, calls] = [this.#traffic, this.#calls];
    return (event) => {
      traffic.record(event);
      calls.record(event);
    };
  }
}

/** The names come from handlers and options: they may be of any size. */
function listed<Value>(
  entries: Iterable<readonly [string, Value]>,
): readonly (readonly [string, Value])[] {
  return [...entries].slice(0, MAX_LISTED).map(([name, value]) => [shortName(name), value]);
}

function shortName(name: string): string {
  return clip(name, MAX_NAME_LENGTH);
}
