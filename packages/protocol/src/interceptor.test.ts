import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestContext } from "./context.ts";
import {
  composeInterceptors,
  INTERCEPTOR_PHASES,
  type Interceptor,
  type InterceptorPhase,
  type Invocation,
  orderInterceptors,
} from "./interceptor.ts";

const invocation: Invocation = {
  method: "tools/call",
  target: "t",
  params: { name: "t" },
  context: {} as RequestContext,
};

function tracing(name: string, phase: InterceptorPhase, trace: string[]): Interceptor {
  return {
    name,
    phase,
    async intercept(request, next) {
      trace.push(`>${name}`);
      try {
        return await next(request);
      } finally {
        trace.push(`<${name}`);
      }
    },
  };
}

describe("orderInterceptors", () => {
  it("puts phases first and keeps registration order inside each", () => {
    const phase = fc.constantFrom(...INTERCEPTOR_PHASES);
    fc.assert(
      fc.property(fc.array(phase, { maxLength: 12 }), (phases) => {
        const registered = phases.map((one, index) => tracing(String(index), one, []));
        const ordered = orderInterceptors(registered);
        const rank = (one: Interceptor): number =>
          INTERCEPTOR_PHASES.indexOf(one.phase) * 100 + Number(one.name);
        expect(ordered).toEqual([...registered].sort((left, right) => rank(left) - rank(right)));
      }),
      { numRuns: 200, seed: 4 },
    );
  });

  it("refuses an unknown phase and names the interceptor", () => {
    const wrong = tracing("mine", "auth" as InterceptorPhase, []);
    expect(() => orderInterceptors([wrong])).toThrow('interceptor "mine": phase "auth"');
    const empty = { name: "mine", phase: "limit" } as unknown as Interceptor;
    expect(() => orderInterceptors([empty])).toThrow('interceptor "mine": no intercept function');
    const missing = { ...wrong, phase: undefined as unknown as InterceptorPhase };
    expect(() => orderInterceptors([missing])).toThrow(TypeError);
  });
});

describe("composeInterceptors", () => {
  it("is the terminal itself when there is nothing to compose", () => {
    const terminal = async (): Promise<object> => ({});
    expect(composeInterceptors([], terminal)).toBe(terminal);
  });

  it("wraps the first outermost and runs each once", async () => {
    const trace: string[] = [];
    const chain = composeInterceptors(
      [tracing("a", "observe", trace), tracing("b", "cache", trace)],
      async (request) => {
        trace.push(request.method);
        return { done: true };
      },
    );
    expect(await chain(invocation)).toEqual({ done: true });
    expect(await chain(invocation)).toEqual({ done: true });
    const once = [">a", ">b", "tools/call", "<b", "<a"];
    expect(trace).toEqual([...once, ...once]);
  });

  it("lets one answer without the rest, and change what the rest sees", async () => {
    const trace: string[] = [];
    const hit: Interceptor = {
      name: "hit",
      phase: "cache",
      intercept: async () => ({ from: "cache" }),
    };
    const rename: Interceptor = {
      name: "rename",
      phase: "observe",
      intercept: (request, next) => next({ ...request, target: "other" }),
    };
    const unreachable = async (): Promise<object> => {
      throw new Error("reached");
    };
    const short = composeInterceptors([tracing("a", "observe", trace), hit], unreachable);
    expect(await short(invocation)).toEqual({ from: "cache" });
    const seen = composeInterceptors([rename], async (request) => ({ target: request.target }));
    expect(await seen(invocation)).toEqual({ target: "other" });
    expect(invocation.target).toBe("t");
  });

  it("passes on what is at hand without a promise, and promises it to every interceptor further out", async () => {
    const hit: Interceptor = { name: "hit", phase: "cache", intercept: () => ({ from: "cache" }) };
    const thrown = new Error("thrown at once");
    const failing: Interceptor = {
      name: "failing",
      phase: "cache",
      intercept: () => {
        throw thrown;
      },
    };
    const outer: Interceptor = {
      name: "outer",
      phase: "observe",
      intercept: (request, next) =>
        next(request).then(
          (result) => ({ ...result, seen: true }),
          (error: unknown) => ({ error }),
        ),
    };
    const unreachable = (): object => ({ from: "handler" });
    expect(composeInterceptors([hit], unreachable)(invocation)).toEqual({ from: "cache" });
    expect(() => composeInterceptors([failing], unreachable)(invocation)).toThrow(thrown);
    const around = composeInterceptors([outer, hit], unreachable);
    expect(await around(invocation)).toEqual({ from: "cache", seen: true });
    const caught = composeInterceptors([outer, failing], unreachable);
    expect(await caught(invocation)).toEqual({ error: thrown });
    const plain = composeInterceptors([outer], unreachable);
    expect(await plain(invocation)).toEqual({ from: "handler", seen: true });
  });

  it("lets failures pass outwards through every layer", async () => {
    const trace: string[] = [];
    const failure = new Error("x");
    const chain = composeInterceptors([tracing("a", "observe", trace)], () =>
      Promise.reject(failure),
    );
    await expect(chain(invocation)).rejects.toBe(failure);
    expect(trace).toEqual([">a", "<a"]);
  });
});
