import { type InputContext, type JsonValue, ToolExecutionError } from "@backplane/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputPeer, type Members, quietServer, textOf } from "./input-peer.test-support.ts";
import type { MCPServer } from "./mcp-server.ts";

/** A handler as data: what it does, and in which order. */
type Step =
  | { readonly do: "ask"; readonly key: string }
  | { readonly do: "once"; readonly key: string; readonly inside?: Step }
  | { readonly do: "fail" }
  | { readonly do: "all"; readonly steps: readonly Step[] }
  | { readonly do: "sequence"; readonly steps: readonly Step[] }
  | { readonly do: "catch"; readonly step: Step }
  | { readonly do: "finally"; readonly step: Step }
  | { readonly do: "later"; readonly ticks: number; readonly step: Step }
  | { readonly do: "if"; readonly key: string; readonly then: Step; readonly else: Step };

const SCHEMA = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };

type Asking = Pick<InputContext, "elicit" | "once">;

async function perform(step: Step, ctx: Asking, effects: string[]): Promise<JsonValue> {
  const go = (next: Step) => perform(next, ctx, effects);
  switch (step.do) {
    case "ask": {
      const { action, content } = await ctx.elicit(step.key, { message: step.key, schema: SCHEMA });
      return [action, (content?.["n"] as number | undefined) ?? null];
    }
    case "once":
      return ctx.once(step.key, async () => {
        const inside = step.inside === undefined ? null : await go(step.inside);
        effects.push(step.key);
        return [step.key, inside];
      });
    case "fail":
      throw new ToolExecutionError(-1, "failed");
    case "all":
      return Promise.all(step.steps.map(go));
    case "sequence": {
      const values: JsonValue[] = [];
      for (const next of step.steps) values.push(await go(next));
      return values;
    }
    case "catch":
      return go(step.step).catch(() => "caught");
    case "finally":
      try {
        return await go(step.step);
      } finally {
        await null;
      }
    case "later":
      for (let tick = 0; tick < step.ticks; tick++) await null;
      return go(step.step);
    case "if": {
      const { action } = await ctx.elicit(step.key, { message: step.key, schema: SCHEMA });
      return go(action === "accept" ? step.then : step.else);
    }
  }
}

/** What the user says to each question, whenever it is asked. */
type Answers = Readonly<Record<string, { action: string; content?: { n: number } }>>;

const KEYS = ["a", "b", "c", "d", "__proto__"];

const steps = fc.letrec<{ step: Step }>((tie) => ({
  step: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.record({ do: fc.constant("ask" as const), key: fc.constantFrom(...KEYS) }),
    fc.record({ do: fc.constant("once" as const), key: fc.constantFrom("p", "q", "__proto__") }),
    fc.record({ do: fc.constant("fail" as const) }),
    fc.record({
      do: fc.constantFrom("all" as const, "sequence" as const),
      steps: fc.array(tie("step"), { maxLength: 4 }),
    }),
    fc.record({
      do: fc.constantFrom("catch" as const, "finally" as const),
      step: tie("step"),
    }),
    fc.record({ do: fc.constant("later" as const), ticks: fc.nat(5), step: tie("step") }),
    fc.record({
      do: fc.constant("if" as const),
      key: fc.constantFrom(...KEYS),
      // biome-ignore lint/suspicious/noThenProperty: a branch of the program, never awaited
      then: tie("step"),
      else: tie("step"),
    }),
    // One body for each key: of two, which is remembered would be a race of the program's own.
    fc.constantFrom(...KEYS).map((key) => ({
      do: "once" as const,
      key: `after ${key}`,
      inside: { do: "ask" as const, key },
    })),
  ),
})).step;

const answer = fc.oneof(
  fc.record({ action: fc.constant("accept"), content: fc.record({ n: fc.integer() }) }),
  fc.record({ action: fc.constantFrom("decline", "cancel") }),
);
const answerSets = fc
  .tuple(...KEYS.map(() => answer))
  .map((all) => Object.fromEntries(KEYS.map((key, index) => [key, all[index]])) as Answers);

/** How a client misbehaves in one round with the answer to one question. */
const slips = fc.array(fc.constantFrom("none", "missing", "invalid", "extra"), {
  maxLength: 8,
});

const silent: unknown[] = [];
let server: MCPServer;
let modern: InputPeer;
let legacy: InputPeer;
let effects: string[] = [];

beforeAll(async () => {
  server = quietServer(silent);
  server.tool("run", { input: { type: "object" } }, async ({ program }, ctx) =>
    JSON.stringify(await perform(program as Step, ctx, effects)),
  );
  modern = new InputPeer(server.connectInMemory());
  legacy = await new InputPeer(server.connectInMemory()).initialize("2025-11-25");
});
afterAll(() => Promise.all([modern.close(), legacy.close()]));

/** The handler where every question has its answer at once. */
async function inline(program: Step, answers: Answers): Promise<string> {
  const memos = new Map<string, Promise<unknown>>();
  const ctx = {
    elicit: async (key: string) => answers[key],
    once: (key: string, fn: () => unknown) => {
      const memo = memos.get(key) ?? (async () => fn())();
      memos.set(key, memo);
      memo.catch(() => memos.delete(key));
      return memo;
    },
  } as unknown as Asking;
  try {
    return JSON.stringify(await perform(program, ctx, []));
  } catch (error) {
    return (error as Error).message;
  }
}

function reply(keys: readonly string[], answers: Answers, slip: string | undefined): Members {
  const responses: Members = Object.create(null);
  for (const key of keys) responses[key] = answers[key];
  const [first = ""] = keys;
  if (slip === "missing") delete responses[first];
  if (slip === "invalid") responses[first] = { action: "accept", content: { n: "no integer" } };
  if (slip === "extra") responses["nobody asked"] = { action: "accept", content: { n: 0 } };
  return responses;
}

describe("a handler of asks, memos and failures", () => {
  it("ends as it would with every answer at hand, and no memo is made twice", async () => {
    await fc.assert(
      fc.asyncProperty(steps, answerSets, slips, async (program, answers, clumsy) => {
        effects = [];
        const params = { name: "run", arguments: { program } };
        const { message, rounds } = await modern.untilDone("tools/call", params, (asked, round) =>
          reply(Object.keys(asked), answers, clumsy[round]),
        );
        expect(textOf(message)).toBe(await inline(program, answers));
        expect(rounds).toBeLessThanOrEqual(KEYS.length + clumsy.length);
        expect(new Set(effects).size).toBe(effects.length);
      }),
      { numRuns: 400 },
    );
  });

  it("ends the same over a legacy connection", async () => {
    await fc.assert(
      fc.asyncProperty(steps, answerSets, async (program, answers) => {
        effects = [];
        legacy.answer = (_method, { message }) => answers[message as string];
        const result = await legacy.request("tools/call", {
          name: "run",
          arguments: { program },
        });
        expect(textOf(result)).toBe(await inline(program, answers));
        expect(new Set(effects).size).toBe(effects.length);
      }),
      { numRuns: 200 },
    );
  });
});

describe("a state that was changed", () => {
  const params = {
    name: "run",
    arguments: {
      program: { do: "sequence", steps: ["a", "b"].map((key) => ({ do: "ask", key })) },
    },
  };
  const inputResponses = {
    a: { action: "accept", content: { n: 1 } },
    b: { action: "accept", content: { n: 2 } },
  };
  const other = { name: "run", arguments: { program: { do: "ask", key: "a" } } };

  async function states(): Promise<readonly string[]> {
    const first = await modern.modern("tools/call", params);
    const second = await modern.modern("tools/call", {
      ...params,
      inputResponses,
      requestState: first.result?.requestState,
    });
    const foreign = await modern.modern("tools/call", other);
    return [first, second, foreign].map(({ result }) => result?.requestState ?? "");
  }

  const change = fc.oneof(
    fc.record({
      kind: fc.constant("flip" as const),
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 63 }),
    }),
    fc.record({ kind: fc.constant("cut" as const), at: fc.nat(), by: fc.constant(0) }),
    fc.record({ kind: fc.constant("grow" as const), at: fc.nat(), by: fc.nat(63) }),
    fc.record({ kind: fc.constant("splice" as const), at: fc.nat(), by: fc.constant(0) }),
    fc.record({ kind: fc.constant("foreign" as const), at: fc.constant(0), by: fc.constant(0) }),
  );
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

  it("never completes a request", async () => {
    const [first = "", second = "", foreign = ""] = await states();
    await fc.assert(
      fc.asyncProperty(fc.boolean(), change, async (early, { kind, at, by }) => {
        const state = early ? first : second;
        const index = at % state.length;
        const letter = ALPHABET.indexOf(state[index] ?? "A");
        const changed = {
          flip: () =>
            `${state.slice(0, index)}${ALPHABET[(letter + by) % 64]}${state.slice(index + 1)}`,
          cut: () => state.slice(0, index),
          grow: () => `${state.slice(0, index)}${ALPHABET[by]}${state.slice(index)}`,
          splice: () => `${(early ? second : first).slice(0, index)}${state.slice(index)}`,
          foreign: () => foreign,
        }[kind]();
        if (changed === first || changed === second) return;
        const message = await modern.modern("tools/call", {
          ...params,
          inputResponses,
          requestState: changed,
        });
        expect(message.error?.code, `${kind} at ${index}`).toBe(-32602);
      }),
      { numRuns: 500 },
    );
    // The unchanged one does, so that what refused above was the change.
    const message = await modern.modern("tools/call", {
      ...params,
      inputResponses,
      requestState: second,
    });
    expect(textOf(message)).toBe('[["accept",1],["accept",2]]');
  });
});
