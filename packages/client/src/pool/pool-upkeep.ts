import type { Clock, MCPError } from "@backplane/protocol";
import type { MCPClientError } from "../errors.ts";
import type { Link } from "../link.ts";
import type { IdleMembers, Member } from "./pool-member.ts";
import type { PoolOptions } from "./pool-options.ts";
import type { DiscardReason } from "./pool-stats.ts";

/** Limits are looked at four times in the shortest of them, but not less often than this. */
const MAX_SWEEP_MS = 60_000;

/** What upkeep sees of its pool. */
export interface UpkeepHost {
  readonly idle: IdleMembers;
  readonly members: ReadonlyMap<Link, Member>;
  /** Ends one now when it is idle, else as soon as it is given back. */
  end(member: Member, reason: DiscardReason): void;
  /** A connection that is not idle answered its health check. */
  healthy(member: Member): void;
  /** It did not. */
  unhealthy(member: Member, failure: MCPError | MCPClientError): void;
}

/** Age, idle time and health of a pool's connections, behind one timer. */
export class PoolUpkeep {
  readonly #host: UpkeepHost;
  readonly #options: PoolOptions;
  readonly #clock: Pick<Clock, "now" | "after">;
  readonly #ask: (link: Link) => Promise<void>;
  readonly #periodMs: number;
  /** Health checks under way. */
  #checking = 0;
  #cancel: (() => void) | undefined = undefined;
  #stopped = false;

  /** @param ask rejects when the connection is of no use; bounded in time. */
  constructor(
    host: UpkeepHost,
    options: PoolOptions,
    clock: Pick<Clock, "now" | "after">,
    ask: (link: Link) => Promise<void>,
  ) {
    this.#host = host;
    this.#options = options;
    this.#clock = clock;
    this.#ask = ask;
    const { maxLifetimeMs, idleTimeoutMs, healthCheckIntervalMs } = options;
    this.#periodMs = Math.min(maxLifetimeMs, idleTimeoutMs, healthCheckIntervalMs) / 4;
  }

  /** Goes on by itself while there are connections. */
  start(): void {
    if (this.#stopped || this.#cancel !== undefined || this.#host.members.size === 0) return;
    if (this.#periodMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.min(MAX_SWEEP_MS, Math.ceil(this.#periodMs));
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#sweep();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** After one broke: none of the others is handed out before it has answered. */
  checkAll(): void {
    for (const member of this.#host.idle.all()) this.#check(member);
  }

  #sweep(): void {
    const { idle, members } = this.#host;
    const { minConnections, idleTimeoutMs } = this.#options;
    const nowMs = this.#clock.now();
    for (const member of [...members.values()]) {
      if (nowMs >= member.expiresAtMs) this.#host.end(member, "lifetime");
    }
    for (const member of idle.all()) if (member.link.over) this.#host.end(member, "over");
    for (const member of idle.all()) {
      if (members.size <= minConnections || nowMs - member.usedAtMs < idleTimeoutMs) break;
      this.#host.end(member, "idle");
    }
    this.#checkNext();
  }

  /** One after the other, so that asking does not take all of them away at once. */
  #checkNext(): void {
    if (this.#checking > 0) return;
    const untilMs = this.#clock.now() - this.#options.healthCheckIntervalMs;
    const due = this.#host.idle.all().find((member) => member.provedAtMs <= untilMs);
    if (due !== undefined) this.#check(due);
  }

  #check(member: Member): void {
    this.#host.idle.remove(member);
    this.#checking++;
    this.#ask(member.link).then(
      () => this.#checked(member, undefined),
      (failure: MCPError | MCPClientError) => this.#checked(member, failure),
    );
  }

  #checked(member: Member, failure: MCPError | MCPClientError | undefined): void {
    this.#checking--;
    // It may have ended meanwhile, with the whole pool.
    if (!this.#host.members.has(member.link)) return;
    if (failure !== undefined) {
      this.#host.unhealthy(member, failure);
      this.checkAll();
      return;
    }
    member.provedAtMs = this.#clock.now();
    this.#host.healthy(member);
    this.#checkNext();
  }
}
