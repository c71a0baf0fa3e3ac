import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { clientAnswer } from "./client-answers.ts";
import { clip, clippedJson } from "./clip.ts";
import { pathsOf, textOf, treeOf } from "./json-tree.ts";
import { isObject } from "./message-rules.ts";
import {
  type ByteMutation,
  byteMutation,
  mutateBytes,
  mutateTree,
  sweepMutations,
  type TreeMutation,
  treeMutation,
} from "./mutations.ts";
import { initializeMessage, legacyMessages, modernSeeds } from "./seed-messages.ts";
import { StdioTarget } from "./stdio-peer.ts";
import { type Expectation, expectationsOf, StdioJudge } from "./stdio-rules.ts";

/** How the client speaks: `modern`, or the revision of its `initialize`. */
export type StdioEra = "modern" | "2025-11-25" | "2025-03-26";

export interface StdioCampaign {
  readonly script: string;
  readonly args: readonly string[];
  readonly era: StdioEra;
  readonly seed: number;
  readonly runs: number;
  /** How long an answer may take. Default 20,000: reached only when something hangs. */
  readonly hangMs?: number;
}

interface StdioCase {
  readonly seed: number;
  readonly tree: readonly TreeMutation[];
  readonly bytes: readonly ByteMutation[];
  readonly answer: number;
}

const stdioCase: fc.Arbitrary<StdioCase> = fc.record({
  seed: fc.nat(200),
  tree: fc.array(treeMutation, { maxLength: 2 }),
  bytes: fc.oneof(
    { weight: 10, arbitrary: fc.constant<ByteMutation[]>([]) },
    fc.array(byteMutation, { minLength: 1, maxLength: 2 }),
  ),
  answer: fc.nat(20),
});

const CHUNK = 250;

/**
 * Writes mutated lines to a server over stdio and judges every line that it writes.
 * @returns a report of the first failure, with the seed and the smallest line that still fails.
 */
export async function fuzzStdio(campaign: StdioCampaign): Promise<string | undefined> {
  const session = await StdioSession.open(campaign);
  try {
    for (const { cases, seed } of chunksOf(campaign)) {
      const found = await session.run(cases);
      if (found.length > 0) return report(campaign, seed, cases, found);
    }
    const code = await session.close();
    return code === 0 ? undefined : `ended with ${code} after the last line: ${session.log}`;
  } finally {
    session.kill();
  }
}

/** A fifth of the cases from the sweep over every node of every seed, evenly spread, the rest at random. */
function* chunksOf({ era, seed, runs }: StdioCampaign): Generator<{
  readonly cases: readonly StdioCase[];
  readonly seed: number | undefined;
}> {
  const all = sweepOf(era);
  const swept = Math.min(Math.floor(runs / 5), all.length);
  const sweep = Array.from({ length: swept }, (_, i) => all[Math.floor((i * all.length) / swept)]);
  for (let from = 0; from < swept; from += CHUNK) {
    yield { cases: sweep.slice(from, from + CHUNK) as StdioCase[], seed: undefined };
  }
  for (let done = swept, index = 0; done < runs; done += CHUNK, index++) {
    const numRuns = Math.min(CHUNK, runs - done);
    yield { cases: fc.sample(stdioCase, { seed: seed + index, numRuns }), seed: seed + index };
  }
}

function sweepOf(era: StdioEra): readonly StdioCase[] {
  return seedsOf(era).flatMap((body, seed) =>
    pathsOf(treeOf(body)).flatMap((_, at) =>
      sweepMutations(at).map((mutation) => ({ seed, tree: [mutation], bytes: [], answer: 1 })),
    ),
  );
}

function seedsOf(era: StdioEra): readonly unknown[] {
  return era === "modern" ? modernSeeds.map(({ body }) => body) : legacyMessages;
}

/** A process, past its handshake. */
class StdioSession {
  readonly #target: StdioTarget;
  readonly #era: StdioEra;
  readonly #hangMs: number;
  #ids = 1;
  #sent: Buffer = Buffer.alloc(0);

  private constructor({ script, args, era, hangMs = 20_000 }: StdioCampaign) {
    this.#target = new StdioTarget(script, args);
    this.#era = era;
    this.#hangMs = hangMs;
  }

  static async open(campaign: StdioCampaign): Promise<StdioSession> {
    const { era } = campaign;
    const session = new StdioSession(campaign);
    if (era !== "modern") {
      const initialize = JSON.stringify(initializeMessage(era)).replace('"@id@"', '"init"');
      await session.#target.write(`${initialize}\n`);
    }
    return session;
  }

  get log(): string {
    return this.#target.log;
  }

  /** The beginning of what the last run wrote. */
  get sent(): string {
    return clippedJson(this.#sent.toString("latin1"));
  }

  /** Writes the lines of some cases and reads until everything is answered. */
  async run(cases: readonly StdioCase[]): Promise<readonly string[]> {
    const firstId = this.#ids;
    const input = Buffer.concat(cases.map((each) => this.#render(each)));
    this.#sent = input;
    const judge = new StdioJudge();
    judge.expect(Buffer.alloc(0), [{ ids: ["init"], anonymous: 0, prompt: true, masked: false }]);
    const expect = (sent: Buffer): readonly Expectation[] => {
      const expectations = expectationsOf(sent, (message) => this.#mayWait(message));
      judge.expect(sent, expectations);
      return expectations;
    };
    const expectations = expect(input);
    const promptly = expectations.flatMap(({ ids, prompt }) => (prompt ? ids : []));
    // Other ids may be those of several requests, of which one cancels the other.
    const awaited = new Set(promptly.filter((id) => this.#isOwn(id, firstId)));
    let asked = 0;
    let wake: () => void = () => undefined;
    this.#target.listen((line) => {
      for (const message of judge.line(line)) {
        if ("method" in message && "id" in message) {
          const answer = cases[asked++ % cases.length]?.answer ?? 0;
          const reply = clientAnswer(answer, message["id"]);
          if (reply === undefined) continue;
          expect(Buffer.from(reply));
          void this.#target.write(`${reply}\n`);
        } else awaited.delete(message["id"] as string | number);
      }
      wake();
    });
    const settled = async (): Promise<void> => {
      const fence = this.#fence();
      expect(Buffer.from(fence.text));
      awaited.add(fence.id);
      await this.#target.write(`${fence.text}\n`);
      const deadline = Date.now() + this.#hangMs;
      while (awaited.size > 0 && this.#target.alive && Date.now() < deadline) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await Promise.race([woken, sleep(100)]);
      }
    };
    await this.#target.write(input);
    await settled();
    await this.#cancel(expectations.flatMap(({ ids }) => ids));
    // What was cancelled says nothing more: the next chunk begins in silence.
    await settled();
    const unanswered = [...awaited].map((id) => `does not answer ${JSON.stringify(id)}`);
    const dead = this.#target.alive ? [] : [`ended: ${this.log}`];
    return [...judge.found, ...dead, ...unanswered];
  }

  close(): Promise<unknown> {
    return this.#target.end();
  }

  kill(): void {
    this.#target.kill();
  }

  #render(testCase: StdioCase): Buffer {
    const seeds = seedsOf(this.#era);
    const tree = testCase.tree.reduce(mutateTree, treeOf(seeds[testCase.seed % seeds.length]));
    const text = textOf(tree).replaceAll("@id@", String(this.#ids++));
    const bytes = testCase.bytes.reduce(mutateBytes, Buffer.from(text, "utf8"));
    return Buffer.concat([bytes, Buffer.from("\n")]);
  }

  /** A request that is right, whose answer says that everything before it was read. */
  #fence(): { readonly id: string; readonly text: string } {
    const id = `fence-${this.#ids++}`;
    const meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const message =
      this.#era === "modern"
        ? { jsonrpc: "2.0", id, method: "tools/list", params: { _meta: meta } }
        : { jsonrpc: "2.0", id, method: "ping" };
    return { id, text: JSON.stringify(message) };
  }

  /** Whether an id is one that the case with this number was given, and no mutation of it. */
  #isOwn(id: string | number, firstId: number): boolean {
    const number = typeof id === "number" ? id : Number(/^s(\d+)$/.exec(id)?.[1]);
    return number >= firstId && number < this.#ids;
  }

  /** What waits for the client, or for a change, would wait for ever. */
  async #cancel(ids: readonly (string | number)[]): Promise<void> {
    const lines = [...new Set(ids)].map((requestId) =>
      JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } }),
    );
    await this.#target.write(`${lines.join("\n")}\n`);
  }

  #mayWait(message: Readonly<Record<string, unknown>>): boolean {
    const params = isObject(message["params"]) ? message["params"] : {};
    if (message["method"] === "subscriptions/listen") return true;
    // Every name that holds one of these asks the client.
    const name = params["name"];
    return (
      this.#era !== "modern" &&
      typeof name === "string" &&
      /sampling|elicitation|input_required|roots/.test(name)
    );
  }
}

/** The report of the smallest line that fails alone, in a process of its own. */
async function report(
  campaign: StdioCampaign,
  seed: number | undefined,
  cases: readonly StdioCase[],
  found: readonly string[],
): Promise<string> {
  const title = `${campaign.era}, seed ${seed}:\n  ${found.slice(0, 10).map(clip).join("\n  ")}`;
  const attempt = async (some: readonly StdioCase[]) => {
    const session = await StdioSession.open(campaign);
    const failures = await session.run(some);
    session.kill();
    return { failures, told: `${failures.map(clip).join("; ")}\n${session.sent}\n${session.log}` };
  };
  let [from, to] = [0, cases.length];
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    if ((await attempt(cases.slice(from, middle))).failures.length > 0) to = middle;
    else if ((await attempt(cases.slice(middle, to))).failures.length > 0) from = middle;
    else return `${title}\ncases ${from} to ${to} fail together only`;
  }
  if (seed === undefined) {
    const { told } = await attempt(cases.slice(from, to));
    return `${title}\n${clippedJson(cases[from])}\n${told}`;
  }
  let told = "";
  const details = await fc.check(
    fc.asyncProperty(stdioCase, async (testCase) => {
      const outcome = await attempt([testCase]);
      if (outcome.failures.length === 0) return;
      told = outcome.told;
      throw new Error(outcome.failures.join("; "));
    }),
    { seed, path: String(from), numRuns: 1, interruptAfterTimeLimit: 60_000 },
  );
  const smallest = clippedJson(details.counterexample?.[0] ?? cases[from]);
  return `${title}\ncase ${from}, as small as it fails alone: ${smallest}\n${told}`;
}
