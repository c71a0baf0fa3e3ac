import type { Invocation, Principal, RequestContext } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ConcurrencyLimitOptions, concurrencyLimit } from "./concurrency-limit.ts";

function call(target: string, id = "ada", over: Partial<Invocation> = {}): Invocation {
  const principal: Principal = { id, scopes: [], roles: [] };
  const transport = { kind: "http", header: () => undefined, remoteAddress: undefined };
  const context = { principal, transport } as unknown as RequestContext;
  return { method: "tools/call", target, params: {}, context, ...over };
}

/** Calls that stay until they are let go. */
class Running {
  readonly #limit: ReturnType<typeof concurrencyLimit>;
  readonly #ends: ((error?: Error) => void)[] = [];

  constructor(options: ConcurrencyLimitOptions) {
    this.#limit = concurrencyLimit(options);
  }

  /** Whether it was let in, and runs now. */
  async enter(invocation: Invocation): Promise<boolean> {
    let entered = false;
    const outcome = this.#limit.intercept(invocation, () => {
      entered = true;
      return new Promise((resolve, reject) =>
        this.#ends.push((error) => (error === undefined ? resolve({}) : reject(error))),
      );
    });
    Promise.resolve(outcome).catch(() => {});
    await Promise.resolve();
    return entered;
  }

  /** Ends the oldest call. */
  async end(error?: Error): Promise<void> {
    this.#ends.shift()?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("concurrencyLimit", () => {
  it("refuses what is too much at once, in a way that a client retries", async () => {
    const limit = concurrencyLimit({ max: 1, retryAfterMs: 250 });
    expect(limit.phase).toBe("limit");
    let end = (): void => {};
    const first = limit.intercept(
      call("a"),
      () => new Promise((resolve) => (end = () => resolve({}))),
    );
    await expect(limit.intercept(call("b"), async () => ({}))).rejects.toMatchObject({
      code: -1429,
      message: "Too many calls at once",
      retryAfterMs: 250,
    });
    end();
    await first;
    await expect(limit.intercept(call("b"), async () => ({}))).resolves.toEqual({});
  });

  it("gives a place back however a call ends", async () => {
    const running = new Running({ max: 1 });
    expect(await running.enter(call("a"))).toBe(true);
    await running.end(new Error("failed"));
    expect(await running.enter(call("a"))).toBe(true);
    expect(await running.enter(call("a"))).toBe(false);
    await running.end();
    expect(await running.enter(call("a"))).toBe(true);
  });

  it.each<[string, ConcurrencyLimitOptions, readonly boolean[]]>([
    ["principal, the default", { max: 1 }, [true, false, true, false]],
    ["target", { max: 1, per: ["target"] }, [true, true, false, true]],
    ["principal and target", { max: 1, per: ["principal", "target"] }, [true, true, true, true]],
    ["server", { max: 1, per: "server" }, [true, false, false, false]],
    ["group by name", { max: 1, per: "server", targets: ["a", "b"] }, [true, false, false, true]],
    ["group by tag", { max: 1, per: "server", tags: ["slow"] }, [true, true, true, false]],
  ])("counts per %s", async (_name, options, expected) => {
    const running = new Running(options);
    const calls = [
      call("a", "ada", { tags: ["slow"] }),
      call("b", "ada", { tags: ["fast"] }),
      call("a", "bob"),
      call("c", "bob", { tags: ["x", "slow"] }),
    ];
    const seen: boolean[] = [];
    for (const each of calls) seen.push(await running.enter(each));
    expect(seen).toEqual(expected);
  });

  it("takes from all rules or from none", async () => {
    const running = new Running({
      rules: [{ max: 2 }, { max: 1, per: "server", targets: ["a"] }],
    });
    expect(await running.enter(call("a"))).toBe(true);
    expect(await running.enter(call("a", "bob"))).toBe(false);
    // The refused call left no trace in the first rule.
    expect(await running.enter(call("b", "bob"))).toBe(true);
    expect(await running.enter(call("b", "bob"))).toBe(true);
    expect(await running.enter(call("b", "bob"))).toBe(false);
  });

  it("leaves out what lives as long as its client listens, unless it is named", async () => {
    const listen = call("", "ada", { method: "subscriptions/listen", target: undefined });
    const without = new Running({ max: 1 });
    expect(await without.enter(listen)).toBe(true);
    expect(await without.enter(listen)).toBe(true);
    const named = new Running({ max: 1, methods: ["subscriptions/listen"] });
    expect(await named.enter(listen)).toBe(true);
    expect(await named.enter(listen)).toBe(false);
  });

  it("never runs more than the limit, whatever comes and goes", async () => {
    const max = 3;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (steps) => {
        const running = new Running({ max });
        let count = 0;
        for (const arrives of steps) {
          if (arrives) {
            expect(await running.enter(call("a"))).toBe(count < max);
            count = Math.min(count + 1, max);
          } else {
            await running.end();
            count = Math.max(count - 1, 0);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [{}, /option "max"/],
    [{ max: 0 }, /option "max"/],
    [{ max: 1, per: [] }, /option "per"/],
    [{ max: 1, tags: [] }, /option "tags"/],
    [{ max: 1, limit: 2 }, /"limit"/],
    [{ rules: [] }, /option "rules"/],
    [{ rules: [{ max: 1, retryAfterMs: 5 }] }, /rules\[0\].*"retryAfterMs"/],
    [{ max: 1, retryAfterMs: -1 }, /option "retryAfterMs"/],
  ])("refuses %j", (options, message) => {
    expect(() => concurrencyLimit(options as unknown as ConcurrencyLimitOptions)).toThrow(message);
  });
});
