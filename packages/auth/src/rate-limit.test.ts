import {
  createMemoryRateLimitStore,
  type Invocation,
  MCPError,
  type Principal,
  type RateLimitBucket,
  type RateLimitStore,
  type RequestContext,
} from "@backplane/protocol";
import { chaotic, createFakeClock, type FakeClock } from "@backplane/protocol/test-suite";
import { describe, expect, it } from "vitest";
import { rateLimit } from "./rate-limit.ts";
import type { RateLimitOptions } from "./rate-limit-options.ts";

const HOUR_MS = 3_600_000;
const hourly = { limit: 2, windowMs: HOUR_MS };

interface Caller {
  readonly id?: string;
  readonly issuer?: string;
  readonly address?: string;
  readonly rateLimit?: Principal["rateLimit"];
}

function call(
  target: string | undefined,
  caller: Caller = { id: "ada" },
  method = "tools/call",
): Invocation {
  const { id, address, ...rest } = caller;
  const principal = id === undefined ? undefined : { id, scopes: [], roles: [], ...rest };
  const transport = { kind: "http", header: () => undefined, remoteAddress: address };
  const context = { principal, transport } as unknown as RequestContext;
  return { method, target, params: {}, context };
}

/** Whether each of the calls, one after the other, reaches the handler. */
async function outcomes(
  limiter: ReturnType<typeof rateLimit>,
  ...calls: Invocation[]
): Promise<boolean[]> {
  const seen: boolean[] = [];
  for (const each of calls) {
    try {
      await limiter.intercept(each, async () => ({}));
      seen.push(true);
    } catch (error) {
      if (!MCPError.isInstance(error) || error.code !== -1429) throw error;
      seen.push(false);
    }
  }
  return seen;
}

describe("rateLimit", () => {
  it("refuses what comes too often, and says when to come again", async () => {
    const clock = createFakeClock();
    const limiter = rateLimit({ ...hourly, clock });
    expect(limiter.phase).toBe("limit");
    expect(await outcomes(limiter, call("a"), call("b"), call("c"))).toEqual([true, true, false]);
    await expect(limiter.intercept(call("a"), async () => ({}))).rejects.toMatchObject({
      code: -1429,
      message: "Rate limit exceeded",
      retryAfterMs: HOUR_MS / 2,
    });
    clock.advance(HOUR_MS / 2);
    expect(await outcomes(limiter, call("a"), call("a"))).toEqual([true, false]);
  });

  it("counts a group by its tag, whatever the names", async () => {
    const limiter = rateLimit({ limit: 2, windowMs: HOUR_MS, tags: ["costly"], cost: 1 });
    const costly = { ...call("a"), tags: ["costly", "x"] };
    const other = { ...call("b"), tags: ["costly"] };
    const cheap = { ...call("c"), tags: ["cheap"] };
    expect(await outcomes(limiter, costly, other, costly, cheap, call("d"))).toEqual([
      true,
      true,
      false,
      true,
      true,
    ]);
  });

  it("counts each principal, and each tool of it, apart", async () => {
    const each = rateLimit({ limit: 1, windowMs: HOUR_MS });
    const calls = [
      call("a"),
      call("a", { id: "bob" }),
      call("a", { id: "ada", issuer: "other" }),
      call("b"),
      call("a", { id: "Ada" }),
    ];
    expect(await outcomes(each, ...calls)).toEqual([true, true, true, false, true]);
    const pairs = rateLimit({ limit: 1, windowMs: HOUR_MS, per: ["principal", "target"] });
    expect(await outcomes(pairs, ...calls, call("a"))).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
    const tools = rateLimit({ limit: 1, windowMs: HOUR_MS, per: ["target"] });
    expect(await outcomes(tools, ...calls)).toEqual([true, false, false, true, false]);
    const all = rateLimit({ limit: 3, windowMs: HOUR_MS, per: "server" });
    expect(await outcomes(all, ...calls)).toEqual([true, true, true, false, false]);
  });

  it("counts a group of tools together, and nothing else", async () => {
    const group = rateLimit({ limit: 1, windowMs: HOUR_MS, targets: ["a", "b"] });
    expect(
      await outcomes(group, call("a"), call("b"), call("c"), call("c"), call(undefined)),
    ).toEqual([true, false, true, true, true]);
  });

  it("counts the methods that it is told, by default all but ping", async () => {
    const all = rateLimit({ limit: 1, windowMs: HOUR_MS });
    const list = call(undefined, { id: "ada" }, "tools/list");
    const ping = call(undefined, { id: "ada" }, "ping");
    expect(await outcomes(all, list, list, ping, ping)).toEqual([true, false, true, true]);
    const some = rateLimit({ limit: 1, windowMs: HOUR_MS, methods: ["completion/complete"] });
    const complete = call(undefined, { id: "ada" }, "completion/complete");
    expect(await outcomes(some, list, list, complete, complete)).toEqual([true, true, true, false]);
  });

  it("takes from all rules or from none", async () => {
    const limiter = rateLimit({
      rules: [
        { limit: 3, windowMs: HOUR_MS },
        { limit: 1, windowMs: HOUR_MS, per: ["principal", "target"] },
      ],
    });
    const seen = await outcomes(
      limiter,
      call("a"),
      call("a"),
      call("a"),
      call("b"),
      call("c"),
      call("d"),
    );
    expect(seen).toEqual([true, false, false, true, true, false]);
  });

  it("gives a principal its own quota", async () => {
    const limiter = rateLimit({ limit: 100, windowMs: HOUR_MS });
    const ada = { id: "ada", rateLimit: { limit: 1, windowMs: HOUR_MS } };
    const bob = { id: "bob", rateLimit: { limit: 1, windowMs: HOUR_MS, burst: 3 } };
    expect(await outcomes(limiter, call("a", ada), call("a", ada))).toEqual([true, false]);
    expect(await outcomes(limiter, ...Array(4).fill(call("a", bob)))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it("charges what a call costs, and no more than the bucket holds", async () => {
    const cost = ({ target }: Invocation) => (target === "dear" ? 1_000 : 1);
    const limiter = rateLimit({ limit: 3, windowMs: HOUR_MS, cost });
    expect(await outcomes(limiter, call("dear"), call("a"))).toEqual([true, false]);
    const broken = rateLimit({ limit: 3, windowMs: HOUR_MS, cost: () => Number.NaN });
    await expect(broken.intercept(call("a"), async () => ({}))).rejects.toThrow(/"cost"/);
  });

  it.each([
    ["10.0.0.1", "10.0.0.2", false],
    ["10.0.0.1", "::ffff:10.0.0.1", true],
    ["2001:db8::1", "2001:DB8:0:0:ffff::9", true],
    ["2001:db8::1", "2001:db8:0:1::1", false],
    ["::1", "0:0:0:0:5:6:7:8", true],
    ["fe80::1", "2001:db8::1", false],
  ])("counts strangers by address: %s and %s together: %s", async (one, other, together) => {
    const limiter = rateLimit({ limit: 1, windowMs: HOUR_MS });
    const seen = await outcomes(
      limiter,
      call("a", { address: one }),
      call("a", { address: other }),
    );
    expect(seen).toEqual([true, !together]);
  });

  it("names nobody in its keys, and bounds their length", async () => {
    const taken: RateLimitBucket[] = [];
    const store: RateLimitStore = {
      take: async (buckets) => {
        taken.push(...buckets);
        return { allowed: true };
      },
      close: async () => {},
    };
    const limiter = rateLimit({ ...hourly, per: ["principal", "target"], store });
    await outcomes(
      limiter,
      call(`file:///${"x".repeat(10_000)}`, { id: "ada@example.org" }),
      call("t"),
    );
    for (const { key } of taken) {
      expect(key.length).toBeLessThan(512);
      expect(key).not.toContain("ada@");
    }
    expect(taken[0]?.key).not.toBe(taken[1]?.key);
  });
});

describe("a store that is away", () => {
  function setUp(options: Partial<RateLimitOptions>) {
    const clock = createFakeClock();
    const { subject: store, chaos } = chaotic(createMemoryRateLimitStore({ clock }));
    const said: string[] = [];
    const say = (_: object, text: string): void => void said.push(text);
    const logger = { debug: say, info: say, warn: say, error: say };
    const limiter = rateLimit({ ...hourly, store, clock, logger, ...options } as RateLimitOptions);
    return { limiter, chaos, clock, said };
  }
  const three = [call("a"), call("a"), call("a")];
  const pass = async (clock: FakeClock, ms: number): Promise<void> => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };

  it.each([
    ["local", [true, true, false], "each process counts for itself"],
    ["open", [true, true, true], "no limit holds"],
    ["closed", [false, false, false], "every call is refused"],
  ] as const)("is treated as %s, and said once", async (onStoreFailure, expected, words) => {
    const { limiter, chaos, clock, said } = setUp({ onStoreFailure });
    chaos.failRate = 1;
    expect(limiter.degraded).toBe(false);
    expect(await outcomes(limiter, ...three)).toEqual(expected);
    expect(limiter.degraded).toBe(true);
    const check = { status: "degraded", message: expect.stringContaining(onStoreFailure) };
    expect(await limiter.checkHealth()).toMatchObject({
      status: "degraded",
      checks: { rate_limit_store: check },
    });
    await pass(clock, 1_000);
    await outcomes(limiter, call("a", { id: "bob" }));
    expect(said).toEqual([expect.stringContaining(words)]);
    chaos.failRate = 0;
    await pass(clock, 1_000);
    expect(limiter.degraded).toBe(false);
    expect(await limiter.checkHealth()).toMatchObject({ status: "healthy" });
    expect(said.slice(1)).toEqual(["the rate limit store is back"]);
    expect(await outcomes(limiter, ...three)).toEqual([true, true, false]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("is tried again by itself, and no call waits for that", async () => {
    const { limiter, chaos, clock } = setUp({});
    chaos.failRate = 1;
    await outcomes(limiter, call("a"));
    expect(clock.pendingTimers).toBe(1);
    for (let round = 0; round < 3; round++) {
      clock.advance(1_000);
      // While it is being tried.
      expect(limiter.degraded).toBe(true);
      expect(await outcomes(limiter, call("a", { id: `n${round}` }))).toEqual([true]);
      await pass(clock, 0);
    }
    chaos.failRate = 0;
    await pass(clock, 1_000);
    expect(limiter.degraded).toBe(false);
  });

  it("is left alone when the last server has stopped, and tried by who asks after all", async () => {
    const { limiter, chaos, clock } = setUp({});
    const attach = () => {
      let stop = (): void => {};
      limiter.attached?.({
        serverId: "s",
        serverInfo: { name: "s", version: "1" },
        onChange: () => {},
        onStop: (_name, close) => {
          stop = close as () => void;
        },
      });
      return () => stop();
    };
    const stops = [attach(), attach()];
    chaos.failRate = 1;
    await outcomes(limiter, call("a"));
    stops[0]?.();
    expect(clock.pendingTimers).toBe(1);
    stops[1]?.();
    expect(clock.pendingTimers).toBe(0);
    // Who asks in vain does not begin it anew, until there is a server again.
    await outcomes(limiter, call("a"));
    expect(clock.pendingTimers).toBe(0);
    chaos.failRate = 0;
    await outcomes(limiter, call("a"));
    expect(limiter.degraded).toBe(false);
    attach();
    chaos.failRate = 1;
    await outcomes(limiter, call("a"));
    expect(clock.pendingTimers).toBe(1);
  });

  it("is not waited for", async () => {
    const clock = createFakeClock();
    let asked = 0;
    const store: RateLimitStore = {
      take: () => {
        asked++;
        return new Promise(() => {});
      },
      close: async () => {},
    };
    const limiter = rateLimit({ ...hourly, store, clock, storeTimeoutMs: 50 });
    const first = outcomes(limiter, call("a"));
    clock.advance(50);
    expect(await first).toEqual([true]);
    expect(await outcomes(limiter, call("a"), call("a"))).toEqual([true, false]);
    expect(asked).toBe(1);
    // That of the next try alone.
    expect(clock.pendingTimers).toBe(1);
  });
});

describe("rateLimit refuses", () => {
  it.each<[string, unknown, RegExp]>([
    ["no limit", { windowMs: 1 }, /"limit"/],
    ["a limit of nothing", { limit: 0, windowMs: 1 }, /"limit"/],
    ["no window", { limit: 1 }, /"windowMs"/],
    ["a cost over the burst", { limit: 1, windowMs: 1, cost: 2 }, /"cost"/],
    ["an unknown dimension", { limit: 1, windowMs: 1, per: ["tool"] }, /"per" holds "tool"/],
    ["no dimension", { limit: 1, windowMs: 1, per: [] }, /"per" is an empty/],
    ["no rules", { rules: [] }, /at least one rule/],
    [
      "a rule and rules",
      { rules: [{ limit: 1, windowMs: 1 }], limit: 1 },
      /unknown option "limit"/,
    ],
    [
      "the same rule twice",
      {
        rules: [
          { limit: 1, windowMs: 1 },
          { limit: 2, windowMs: 1 },
        ],
      },
      /count the same/,
    ],
    [
      "another answer to failure",
      { limit: 1, windowMs: 1, onStoreFailure: "wait" },
      /"onStoreFailure"/,
    ],
    ["a store that is none", { limit: 1, windowMs: 1, store: {} }, /has no take/],
  ])("%s", (_name, options, message) => {
    expect(() => rateLimit(options as RateLimitOptions)).toThrow(message);
  });
});
