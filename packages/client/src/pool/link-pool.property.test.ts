import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MCPClientError } from "../errors.ts";
import { Link } from "../link.ts";
import { linkTaker } from "../link-source.ts";
import { poolRig, settle } from "./link-pool.test-support.ts";

const FAILURES: readonly (MCPClientError | undefined)[] = [
  undefined,
  new MCPClientError("connection_lost", "m"),
  new MCPClientError("timeout", "m"),
  new MCPClientError("session_lost", "m"),
  new MCPClientError("http_status", "m", { status: 404 }),
];

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant("acquire") }) },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant("release"),
      pick: fc.nat(9),
      failure: fc.constantFrom(...FAILURES),
    }),
  },
  { weight: 4, arbitrary: fc.record({ act: fc.constantFrom("open", "open", "fail-open") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constantFrom("give-up", "break", "healthy", "unhealthy"),
      pick: fc.nat(9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant("wait"), ms: fc.integer({ min: 1, max: 6_000 }) }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const sizes = fc
  .record({ minConnections: fc.nat(3), more: fc.nat(3) })
  .map(({ minConnections, more }) => ({
    minConnections,
    maxConnections: Math.max(1, minConnections + more),
    connectionTimeoutMs: 5_000,
    idleTimeoutMs: 8_000,
    maxLifetimeMs: 20_000,
    healthCheckIntervalMs: 6_000,
  }));

describe("LinkPool", () => {
  it("keeps its promises whatever happens", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(step, { maxLength: 60 }), async (options, steps) => {
        const run = new Run(options);
        await run.begin();
        for (const taken of steps) {
          run.take(taken);
          run.checkBound();
          await settle();
          run.check();
        }
        await run.recover();
        await run.end();
      }),
      { numRuns: 150 },
    );
  });
});

/** A pool and everything that was asked of it. */
class Run {
  readonly #options;
  readonly #rig;
  /** By whom a link is held; a link has at most one holder. */
  readonly #held = new Set<Link>();
  readonly #waiting: { readonly name: number; cancel(): void }[] = [];
  readonly #served: number[] = [];
  #lastName = 0;
  #rejected = 0;

  constructor(options: Parameters<typeof poolRig>[0] & { readonly maxConnections: number }) {
    this.#options = options;
    this.#rig = poolRig(options);
  }

  async begin(): Promise<void> {
    const connecting = this.#rig.pool.connect();
    await this.#rig.openAll();
    await connecting;
  }

  take(taken: Step): void {
    const { pool, clock, opening, checks, links, openNext, failNext } = this.#rig;
    const pick = "pick" in taken ? taken.pick : 0;
    switch (taken.act) {
      case "acquire":
        this.#acquire();
        return;
      case "release": {
        const link = at([...this.#held], pick);
        if (link === undefined || !("failure" in taken)) return;
        this.#held.delete(link);
        pool.release(link, taken.failure);
        return;
      }
      case "open":
        if (opening.length > 0) openNext();
        return;
      case "fail-open":
        if (opening.length > 0) failNext(new MCPClientError("connection_failed", "m"));
        return;
      case "give-up":
        at(this.#waiting, pick)?.cancel();
        return;
      case "break":
        at(links, pick)?.breakDown();
        return;
      case "healthy":
        checks.shift()?.resolve();
        return;
      case "unhealthy":
        checks.shift()?.reject(new MCPClientError("timeout", "m"));
        return;
      case "wait":
        clock.advance("ms" in taken ? taken.ms : 0);
    }
  }

  /** Those that are closing count until they are closed. */
  checkBound(): void {
    const { opening, alive } = this.#rig;
    expect(alive() + opening.length).toBeLessThanOrEqual(this.#options.maxConnections);
  }

  check(): void {
    this.checkBound();
    const { pool, opening, alive } = this.#rig;
    const { stats } = pool;
    expect(stats.opening).toBe(opening.length);
    expect(stats.open).toBeLessThanOrEqual(alive());
    expect(stats.busy + stats.idle).toBe(stats.open);
    expect(stats.waiting).toBe(this.#waiting.length);
    // Nobody waits beside a free connection, or for nothing.
    expect(stats.waiting === 0 || stats.idle === 0).toBe(true);
    expect(stats.waiting === 0 || alive() + opening.length > 0).toBe(true);
    // In the order they came.
    expect(this.#served).toEqual([...this.#served].sort((a, b) => a - b));
  }

  /** With a server that works again, everybody is served and the least number is there. */
  async recover(): Promise<void> {
    const { pool, checks, openNext, opening, clock } = this.#rig;
    for (const waiter of [...this.#waiting]) waiter.cancel();
    await settle();
    const rejected = this.#rejected;
    this.#acquire();
    for (let round = 0; round < 40 && this.#waiting.length + this.#held.size > 0; round++) {
      while (opening.length > 0) openNext();
      for (const check of checks.splice(0)) check.resolve();
      await settle();
      for (const link of [...this.#held]) {
        this.#held.delete(link);
        pool.release(link, undefined);
      }
      await settle();
      if (this.#waiting.length > 0) clock.advance(100);
    }
    expect(this.#waiting).toEqual([]);
    expect(this.#rejected).toBe(rejected);
    for (let round = 0; round < 400 && pool.stats.open < this.#min; round++) {
      clock.advance(100);
      await settle();
      while (opening.length > 0) openNext();
      for (const check of checks.splice(0)) check.resolve();
      await settle();
    }
    expect(pool.stats.open).toBeGreaterThanOrEqual(this.#min);
  }

  async end(): Promise<void> {
    const { pool, opening, openNext, checks, alive, clock } = this.#rig;
    this.#acquire();
    const closing = pool.close();
    while (opening.length > 0) openNext();
    await closing;
    expect(alive()).toBe(0);
    for (const check of checks) check.reject(new MCPClientError("closed", "m"));
    await settle();
    expect(this.#waiting).toEqual([]);
    // What the waiting had is one look of their wheel, which finds nobody.
    clock.advance(1_000);
    expect(clock.pendingTimers).toBe(0);
    const { created, discarded } = pool.stats;
    expect(Object.values(discarded).reduce((sum, count) => sum + count, 0)).toBe(created);
  }

  get #min(): number {
    return this.#options.minConnections ?? 0;
  }

  #acquire(): void {
    const waiter = { name: ++this.#lastName, cancel: () => {} };
    const leave = () => this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
    const taker = linkTaker({
      onLink: (link) => {
        leave();
        this.#served.push(waiter.name);
        this.#hold(link);
      },
      onNoLink: () => {
        leave();
        this.#rejected++;
      },
    });
    const got = this.#rig.pool.acquire(taker);
    if (got instanceof Link) {
      expect(got.over).toBe(false);
      this.#hold(got);
      return;
    }
    if (got !== undefined) {
      this.#rejected++;
      return;
    }
    this.#waiting.push(waiter);
    waiter.cancel = () => {
      leave();
      this.#rig.pool.cancel(taker);
    };
  }

  #hold(link: Link): void {
    expect(this.#held.has(link)).toBe(false);
    this.#held.add(link);
  }
}

function at<Item>(items: readonly Item[], index: number): Item | undefined {
  return items.length === 0 ? undefined : items[index % items.length];
}
