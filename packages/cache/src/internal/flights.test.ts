import { describe, expect, it } from "vitest";
import { Flights } from "./flights.ts";

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe("Flights", () => {
  it("load once for 10,000 who ask at once", async () => {
    const flights = new Flights<number>();
    let loads = 0;
    const load = async (): Promise<number> => ++loads;
    const all = await Promise.all(
      Array.from({ length: 10_000 }, () => flights.join("k", { load })),
    );
    expect(new Set(all)).toEqual(new Set([1]));
    expect(loads).toBe(1);
    expect(flights.size).toBe(0);
  });

  it("fail for all who wait, and leave nothing behind", async () => {
    const flights = new Flights<number>();
    const load = () => Promise.reject(new Error("planted"));
    const settled = await Promise.allSettled([1, 2, 3].map(() => flights.join("k", { load })));
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(flights.size).toBe(0);
    expect(await flights.join("k", { load: async () => 1 })).toBe(1);
  });

  it("go on for those who wait when the leader leaves", async () => {
    const flights = new Flights<string>();
    const { opened, open } = gate();
    const leader = new AbortController();
    let signal: AbortSignal | undefined;
    const first = flights.join("k", {
      signal: leader.signal,
      load: async (flight) => {
        signal = flight.signal;
        await opened;
        return "value";
      },
    });
    const second = flights.join("k", { load: () => Promise.reject(new Error("must not run")) });
    await Promise.resolve();
    leader.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    expect(signal?.aborted).toBe(false);
    open();
    expect(await second).toBe("value");
  });

  it("promote the first waiter who is still there when the leader's cancellation ends the load", async () => {
    const flights = new Flights<string>();
    const gone = new Set<string>();
    const ran: string[] = [];
    const passenger = (name: string) => ({
      cancelled: () => gone.has(name),
      load: async () => {
        ran.push(name);
        await Promise.resolve();
        if (gone.has(name)) throw new Error(`${name} was cancelled`);
        return `from ${name}`;
      },
    });
    const all = ["a", "b", "c"].map((name) => flights.join("k", passenger(name)));
    gone.add("a").add("b");
    expect(await Promise.all(all)).toEqual(["from c", "from c", "from c"]);
    expect(ran).toEqual(["a", "c"]);
  });

  it("end when all have left, and those who come then start anew", async () => {
    const flights = new Flights<string>();
    const leavers = [new AbortController(), new AbortController()];
    let aborted = false;
    const waits = leavers.map(({ signal }) =>
      flights.join("k", {
        signal,
        load: (flight) =>
          new Promise((_, reject) => {
            flight.signal.addEventListener("abort", () => {
              aborted = true;
              reject(flight.signal.reason);
            });
          }),
      }),
    );
    await Promise.resolve();
    const ended = Promise.allSettled(waits);
    leavers[0]?.abort(new Error("one"));
    expect(aborted).toBe(false);
    leavers[1]?.abort(new Error("two"));
    expect(aborted).toBe(true);
    expect(await flights.join("k", { load: async () => "new" })).toBe("new");
    expect((await ended).map((each) => (each as PromiseRejectedResult).reason.message)).toEqual([
      "one",
      "two",
    ]);
  });

  it("are not joined once superseded, by key, by prefix or by tag", async () => {
    const flights = new Flights<string>();
    const { opened, open } = gate();
    const seen: boolean[] = [];
    const old = (key: string, tags: readonly string[]) =>
      flights.join(
        key,
        {
          load: async (flight) => {
            await opened;
            seen.push(flight.superseded);
            return "old";
          },
        },
        tags,
      );
    const before = [old("a/1", []), old("a/2", ["t"]), old("b/1", ["t"])];
    flights.supersede("a/1");
    flights.supersedeAll("a/", ["t"]);
    const fresh = ["a/1", "a/2", "b/1"].map((key) =>
      flights.join(key, { load: async () => "new" }),
    );
    open();
    expect(await Promise.all(before)).toEqual(["old", "old", "old"]);
    expect(await Promise.all(fresh)).toEqual(["new", "new", "old"]);
    expect(seen).toEqual([true, true, false]);
  });
});
