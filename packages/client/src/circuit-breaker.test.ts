import { ErrorCode, MCPError } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitState,
} from "./circuit-breaker.ts";
import { MCPClientError } from "./errors.ts";

const lost = new MCPClientError("connection_lost", "m");

function setUp(options: Partial<CircuitBreakerOptions> = {}) {
  const clock = createFakeClock();
  const changes: string[] = [];
  const breaker = new CircuitBreaker(
    {
      windowMs: 1_000,
      minCalls: 4,
      openMs: 500,
      onStateChange: (state, previous) => changes.push(`${previous} → ${state}`),
      ...options,
    },
    { target: "t.example", clock, random: () => 0 },
  );
  const call = (failure?: MCPError | MCPClientError) => {
    const refusal = breaker.admit();
    if (refusal === undefined) breaker.record(failure, breaker.epoch);
    return refusal;
  };
  const fail = (times: number) => {
    for (let n = 0; n < times; n++) call(lost);
  };
  return { clock, changes, breaker, call, fail };
}

describe("options of CircuitBreaker", () => {
  it.each<[string, object, RegExp]>([
    ["an unknown one", { threshold: 1 }, /unknown option "threshold"; known: windowMs/],
    ["no window", { windowMs: 0 }, /"windowMs" must be a whole number of 1 or more/],
    ["no call", { minCalls: 0 }, /"minCalls" must be a whole number of 1 or more/],
    ["no time open", { openMs: -1 }, /"openMs" must be a whole number of 1 or more/],
    ["no probe", { maxProbes: 0 }, /"maxProbes" must be a whole number of 1 or more/],
    ["no success", { closeAfter: 0 }, /"closeAfter" must be a whole number of 1 or more/],
    ["a ratio of 0", { failureRatio: 0 }, /"failureRatio" must be a number above 0 and at most 1/],
    ["a ratio in per cent", { failureRatio: 50 }, /"failureRatio".*not 50/],
    ["a listener that is none", { onStateChange: true }, /"onStateChange" must be a function/],
  ])("refuse %s, naming it", (_what, options, message) => {
    expect(() => new CircuitBreaker(options, { target: "t" })).toThrow(message);
  });
});

describe("CircuitBreaker", () => {
  it("opens on the ratio, over a minimum of calls, and says for how long", () => {
    const { breaker, call, fail, changes, clock } = setUp();
    fail(3);
    expect(breaker.state).toBe("closed");
    fail(1);
    expect(breaker.state).toBe("open");
    clock.advance(100);
    const refusal = call();
    expect(refusal).toMatchObject({ code: "circuit_open", retryAfterMs: 400 });
    expect(refusal?.message).toContain("t.example");
    expect(changes).toEqual(["closed → open"]);
  });

  it("stays closed below the ratio", () => {
    const { breaker, call, fail } = setUp({ failureRatio: 0.6 });
    for (let n = 0; n < 20; n++) {
      call();
      fail(1);
    }
    expect(breaker.state).toBe("closed");
  });

  it("forgets what the window has moved over, bucket by bucket", () => {
    const { breaker, fail, clock } = setUp();
    fail(3);
    clock.advance(1_000);
    fail(3);
    expect(breaker.state).toBe("closed");
    clock.advance(900);
    fail(1);
    expect(breaker.state).toBe("open");
  });

  it("lets a probe through after openMs, and closes after closeAfter of them", () => {
    const { breaker, call, fail, changes, clock } = setUp();
    fail(4);
    clock.advance(499);
    expect(call()).toMatchObject({ code: "circuit_open" });
    clock.advance(1);
    expect(breaker.admit()).toBeUndefined();
    expect(breaker.state).toBe("half-open");
    expect(call()).toMatchObject({ code: "circuit_open", retryAfterMs: undefined });
    breaker.record(undefined, breaker.epoch);
    expect(breaker.state).toBe("half-open");
    expect(call()).toBeUndefined();
    expect(changes).toEqual(["closed → open", "open → half-open", "half-open → closed"]);
    // What failed before is forgotten.
    fail(3);
    expect(breaker.state).toBe("closed");
  });

  it("opens again for a whole openMs when a probe fails", () => {
    const { breaker, call, fail, clock } = setUp();
    fail(4);
    clock.advance(500);
    expect(call(lost)).toBeUndefined();
    expect(breaker.state).toBe("open");
    expect(call()).toMatchObject({ retryAfterMs: 500 });
  });

  it("takes a probe that told nothing for none", () => {
    const { breaker, call, fail, clock } = setUp();
    fail(4);
    clock.advance(500);
    expect(breaker.admit()).toBeUndefined();
    breaker.abandon(breaker.epoch);
    expect(call(new MCPClientError("aborted", "m"))).toBeUndefined();
    expect(breaker.state).toBe("half-open");
    expect(call()).toBeUndefined();
    expect(call()).toBeUndefined();
    expect(breaker.state).toBe("closed");
  });

  it("does not hear the verdict of an earlier state", () => {
    const { breaker, call, fail, clock } = setUp();
    expect(breaker.admit()).toBeUndefined();
    const hanging = breaker.epoch;
    fail(4);
    clock.advance(500);
    expect(breaker.admit()).toBeUndefined();
    breaker.record(lost, hanging);
    breaker.abandon(hanging);
    expect(breaker.state).toBe("half-open");
    expect(call()).toMatchObject({ code: "circuit_open" });
    breaker.record(undefined, breaker.epoch);
    expect(call()).toBeUndefined();
    expect(breaker.state).toBe("closed");
  });

  it("stays open up to a tenth longer by chance", () => {
    const clock = createFakeClock();
    const options = { minCalls: 1, openMs: 1_000 };
    const breaker = new CircuitBreaker(options, { target: "t", clock, random: () => 0.5 });
    breaker.admit();
    breaker.record(lost, breaker.epoch);
    expect(breaker.admit()).toMatchObject({ retryAfterMs: 1_050 });
  });

  it.each<[string, MCPError | MCPClientError]>([
    ["no connection", new MCPClientError("connection_failed", "m")],
    ["a lost connection", lost],
    ["a timeout", new MCPClientError("timeout", "m")],
    ["an invalid answer", new MCPClientError("invalid_response", "m")],
    ["a 5xx", new MCPClientError("http_status", "m", { status: 502 })],
    ["a server that is unavailable", new MCPError(ErrorCode.unavailable, "m")],
    ["a server's deadline", new MCPError(ErrorCode.deadlineExceeded, "m")],
  ])("counts %s", (_what, failure) => {
    const { breaker, call } = setUp({ minCalls: 1 });
    call(failure);
    expect(breaker.state).toBe("open");
  });

  it.each<[string, MCPError | MCPClientError]>([
    ["invalid params", new MCPError(ErrorCode.invalidParams, "m")],
    ["an internal error", new MCPError(ErrorCode.internalError, "m")],
    ["a rate limit", new MCPError(ErrorCode.rateLimited, "m")],
    ["a 404", new MCPClientError("http_status", "m", { status: 404 })],
    ["missing credentials", new MCPClientError("unauthorized", "m", { status: 401 })],
    ["a lost session", new MCPClientError("session_lost", "m", { status: 404 })],
  ])("takes %s for a target that works", (_what, failure) => {
    const { breaker, call, fail, clock } = setUp();
    for (let n = 0; n < 10; n++) call(failure);
    expect(breaker.state).toBe("closed");
    fail(10);
    clock.advance(500);
    call(failure);
    call(failure);
    expect(breaker.state).toBe("closed");
  });

  it.each<[string, MCPClientError]>([
    ["the caller's signal", new MCPClientError("aborted", "m")],
    ["a pool without a free connection", new MCPClientError("acquire_timeout", "m")],
    ["a closed client", new MCPClientError("closed", "m")],
    ["a body past the limit", new MCPClientError("response_too_large", "m", { status: 500 })],
  ])("learns nothing from %s", (_what, failure) => {
    const { breaker, call, fail } = setUp({ minCalls: 4, failureRatio: 1 });
    fail(3);
    // As a success it would keep the circuit closed for good, as a failure open it now.
    call(failure);
    expect(breaker.state).toBe("closed");
    fail(1);
    expect(breaker.state).toBe("open");
  });

  it("behaves as a plain list of recent verdicts does", () => {
    const step = fc.oneof(
      fc.record({ act: fc.constantFrom("success", "failure", "nothing", "start") }),
      fc.record({ act: fc.constantFrom("end-success", "end-failure"), pick: fc.nat({ max: 9 }) }),
      fc.record({ act: fc.constant("wait"), ms: fc.integer({ min: 1, max: 700 }) }),
    );
    const sizes = {
      minCalls: fc.integer({ min: 1, max: 6 }),
      failureRatio: fc.constantFrom(0.2, 0.5, 1),
      maxProbes: fc.integer({ min: 1, max: 3 }),
      closeAfter: fc.integer({ min: 1, max: 3 }),
    };
    fc.assert(
      fc.property(fc.record(sizes), fc.array(step, { maxLength: 80 }), (options, steps) => {
        const { breaker, clock } = setUp(options);
        const model = new Model(options);
        const hanging: { epoch: number; modelEpoch: number }[] = [];
        for (const taken of steps) {
          const nowMs = clock.now();
          if (taken.act === "wait") clock.advance((taken as { ms: number }).ms);
          else if (taken.act.startsWith("end-")) {
            const [ended] = hanging.splice((taken as { pick: number }).pick % 10, 1);
            if (ended === undefined) continue;
            const failed = taken.act === "end-failure";
            breaker.record(failed ? lost : undefined, ended.epoch);
            model.record(failed, ended.modelEpoch, nowMs);
          } else {
            const refusal = breaker.admit();
            expect(refusal === undefined).toBe(model.admit(nowMs));
            if (refusal !== undefined) continue;
            const { epoch } = breaker;
            if (taken.act === "start") hanging.push({ epoch, modelEpoch: model.epoch });
            else if (taken.act === "nothing") {
              breaker.abandon(epoch);
              model.abandon(model.epoch);
            } else {
              const failed = taken.act === "failure";
              breaker.record(failed ? lost : undefined, epoch);
              model.record(failed, model.epoch, nowMs);
            }
          }
          expect(breaker.state).toBe(model.state);
        }
      }),
    );
  });
});

type ModelOptions = Pick<
  CircuitBreakerOptions,
  "minCalls" | "failureRatio" | "maxProbes" | "closeAfter"
>;

/** The same rules in the simplest words, without buckets' sums. */
class Model {
  state: CircuitState = "closed";
  epoch = 0;
  #verdicts: { tick: number; failed: boolean }[] = [];
  #openUntilMs = 0;
  #probes = 0;
  #successes = 0;
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  admit(nowMs: number): boolean {
    if (this.state === "closed") return true;
    if (this.state === "open") {
      if (nowMs < this.#openUntilMs) return false;
      this.#become("half-open");
      this.#probes = 0;
      this.#successes = 0;
    }
    if (this.#probes === this.#options.maxProbes) return false;
    this.#probes++;
    return true;
  }

  abandon(epoch: number): void {
    if (epoch === this.epoch && this.state === "half-open") this.#probes--;
  }

  record(failed: boolean, epoch: number, nowMs: number): void {
    if (epoch !== this.epoch) return;
    if (this.state === "half-open") {
      if (failed) this.#open(nowMs);
      else {
        this.#probes--;
        if (++this.#successes === this.#options.closeAfter) {
          this.#verdicts = [];
          this.#become("closed");
        }
      }
      return;
    }
    const tick = Math.floor(nowMs / 100);
    this.#verdicts = this.#verdicts.filter((verdict) => verdict.tick > tick - 10);
    this.#verdicts.push({ tick, failed });
    const failures = this.#verdicts.filter((verdict) => verdict.failed).length;
    const { minCalls, failureRatio } = this.#options;
    const enough = this.#verdicts.length >= minCalls;
    if (failed && enough && failures >= failureRatio * this.#verdicts.length) this.#open(nowMs);
  }

  #open(nowMs: number): void {
    this.#openUntilMs = nowMs + 500;
    this.#become("open");
  }

  #become(state: CircuitState): void {
    this.state = state;
    this.epoch++;
  }
}
