import fc from "fast-check";
import { SseParser } from "../protocol/harness/sse.ts";
import { clientAnswer } from "./client-answers.ts";
import { clip, clippedJson } from "./clip.ts";
import { type HttpCase, httpCase, type RenderedRequest, render, sweepCases } from "./http-case.ts";
import type { Answer, Peer } from "./http-peer.ts";
import { violations } from "./http-rules.ts";
import { type HttpWorld, openWorld } from "./http-world.ts";
import { isObject } from "./message-rules.ts";
import type { HeaderList } from "./seed-messages.ts";

export interface HttpCampaign {
  /** The way to the server; closed in the end. Wide enough for {@link CONNECTIONS} at once. */
  readonly peer: Peer;
  readonly seed: number;
  readonly runs: number;
  /** How long a stream is read. Default 120. */
  readonly lingerMs?: number;
  /** Called after each chunk; what it returns is a failure. */
  readonly afterChunk?: () => Promise<readonly string[]>;
}

/** Cases between two looks at the server's health. */
export const CHUNK = 250;

const CONCURRENCY = 24;

/** Those of the cases, of the answers to what they are asked, and of the stream of HTTP+SSE. */
export const CONNECTIONS: number = CONCURRENCY + 8;

const SHRINK_MS = 60_000;

/** What one case was sent as, what came back, and what is wrong with it. */
interface Outcome {
  readonly request: RenderedRequest;
  readonly answer: Answer;
  readonly found: readonly string[];
}

/**
 * Sends mutated requests and judges every answer: a fifth of them from the sweep over every node of every
 * seed, evenly spread, the rest at random.
 * @returns a report of the first failure, with the seed and the smallest case that still fails.
 */
export async function fuzzHttp(campaign: HttpCampaign): Promise<string | undefined> {
  try {
    for (const chunk of chunksOf(campaign)) {
      const failure = await runChunk(campaign, chunk);
      if (failure !== undefined) return failure;
    }
    return undefined;
  } finally {
    campaign.peer.close();
  }
}

/** Some cases, and the seed that they were drawn with; none for those of the sweep. */
interface Chunk {
  readonly cases: readonly HttpCase[];
  readonly seed: number | undefined;
}

function* chunksOf({ seed, runs }: HttpCampaign): Generator<Chunk> {
  const swept = Math.min(Math.floor(runs / 5), sweepCases.length);
  const stride = sweepCases.length / swept;
  const sweep = Array.from({ length: swept }, (_, i) => sweepCases[Math.floor(i * stride)]);
  for (let from = 0; from < swept; from += CHUNK) {
    yield { cases: sweep.slice(from, from + CHUNK) as HttpCase[], seed: undefined };
  }
  for (let done = swept, index = 0; done < runs; done += CHUNK, index++) {
    const cases = fc.sample(httpCase, {
      seed: seed + index,
      numRuns: Math.min(CHUNK, runs - done),
    });
    yield { cases, seed: seed + index };
  }
}

async function runChunk(
  campaign: HttpCampaign,
  { cases, seed }: Chunk,
): Promise<string | undefined> {
  const { peer } = campaign;
  const world = await openWorld(peer);
  const runner = new CaseRunner(peer, world, campaign.lingerMs ?? 120);
  let next = 0;
  let failed: { readonly index: number; readonly outcome: Outcome } | undefined;
  const work = async (): Promise<void> => {
    while (next < cases.length && failed === undefined) {
      const index = next++;
      const outcome = await runner.run(cases[index] as HttpCase);
      if (outcome.found.length > 0) failed ??= { index, outcome };
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  let report: string | undefined;
  if (failed !== undefined) {
    report = `${describe(failed.outcome)}\ncase: ${clippedJson(cases[failed.index])}`;
    if (seed !== undefined)
      report = `${await shrunk(runner, seed, failed.index)}\n\nfirst ${report}`;
  }
  const streamed = await world.close();
  if (report !== undefined) return report;
  const after = [...streamed, ...((await campaign.afterChunk?.()) ?? [])];
  return after.length === 0 ? undefined : `after the cases of seed ${seed}: ${after.join("; ")}`;
}

/** Runs cases in one world. */
class CaseRunner {
  readonly #peer: Peer;
  readonly #world: HttpWorld;
  readonly #lingerMs: number;
  #ids = 1;

  constructor(peer: Peer, world: HttpWorld, lingerMs: number) {
    this.#peer = peer;
    this.#world = world;
    this.#lingerMs = lingerMs;
  }

  async run(testCase: HttpCase): Promise<Outcome> {
    const request = render(testCase, this.#world.substitutions(this.#ids++));
    const replies: Promise<readonly string[]>[] = [];
    const parser = new SseParser();
    const answer = await this.#peer.send(request, {
      lingerMs: this.#lingerMs,
      onText: (text) => {
        for (const { data } of parser.push(text)) {
          const reply = replyTo(data, testCase.answer, request.headers);
          if (reply !== undefined) replies.push(this.#judge(reply));
        }
      },
    });
    const found = [...violations(request, answer), ...(await Promise.all(replies)).flat()];
    return { request, answer, found };
  }

  async #judge(request: RenderedRequest): Promise<readonly string[]> {
    const answer = await this.#peer.send(request, { lingerMs: this.#lingerMs });
    return violations(request, answer).map((found) => `to an answer of the client: ${found}`);
  }
}

/** The answer to what the server asks on a stream; undefined when it asks nothing, or for silence. */
function replyTo(
  data: string | undefined,
  answer: number,
  sent: HeaderList,
): RenderedRequest | undefined {
  let message: unknown;
  try {
    message = JSON.parse(data ?? "");
  } catch {
    return undefined;
  }
  if (!isObject(message) || !("method" in message) || !("id" in message)) return undefined;
  const body = clientAnswer(answer, message["id"]);
  if (body === undefined) return undefined;
  const session = sent.filter(([name]) => name.toLowerCase() === "mcp-session-id");
  return {
    method: "POST",
    target: "/mcp",
    headers: [
      ["Content-Type", "application/json"],
      ["Accept", "application/json, text/event-stream"],
      ...session,
    ],
    body: Buffer.from(body),
    chunked: false,
  };
}

/** The report of the smallest case that fails again like the one at `index` of `seed`. */
async function shrunk(runner: CaseRunner, seed: number, index: number): Promise<string> {
  let last: Outcome | undefined;
  const details = await fc.check(
    fc.asyncProperty(httpCase, async (testCase) => {
      const outcome = await runner.run(testCase);
      if (outcome.found.length === 0) return;
      last = outcome;
      throw new Error(outcome.found.join("; "));
    }),
    { seed, path: String(index), numRuns: 1, interruptAfterTimeLimit: SHRINK_MS },
  );
  const title = `seed ${seed}, case ${index}`;
  const smallest = details.counterexample?.[0];
  if (last === undefined || smallest === undefined) return `${title}: failed once, not again alone`;
  return `${title}, as small as it fails: ${clippedJson(smallest)}\n${describe(last)}`;
}

function describe({ request, answer, found }: Outcome): string {
  const { method, target, headers, body, chunked } = request;
  return [
    ...found.map((each) => `  ${clip(each)}`),
    `request: ${method} ${target}${chunked ? " (chunked)" : ""}`,
    ...headers.map(([name, value]) => `  ${name}: ${clippedJson(value)}`),
    `  ${clippedJson(body?.toString("latin1") ?? "")}`,
    `answer (${answer.ended}): ${answer.status} ${clippedJson(answer.headers)}`,
    `  ${clippedJson(answer.body)}`,
  ].join("\n");
}
