import fc from "fast-check";
import { pathsOf, textOf, treeOf } from "./json-tree.ts";
import {
  type ByteMutation,
  byteMutation,
  type HeaderMutation,
  headerMutation,
  mutateBytes,
  mutateHeaders,
  mutateTree,
  sweepMutations,
  type TreeMutation,
  treeMutation,
} from "./mutations.ts";
import { type HeaderList, httpSeeds, standardHeaders } from "./seed-messages.ts";
import { PLACEHOLDERS, type Placeholder } from "./values.ts";

/** A valid request and what is wrong with it: everything that a run of the fuzz decides by chance. */
export interface HttpCase {
  /** Index into the seeds, round and round. */
  readonly seed: number;
  readonly tree: readonly TreeMutation[];
  readonly bytes: readonly ByteMutation[];
  readonly headers: readonly HeaderMutation[];
  /** Whether the standard headers follow the changed body, which brings it past their check. */
  readonly mirrored: boolean;
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly chunked: boolean;
  /** What the client answers when it is asked; an index into a list. */
  readonly answer: number;
}

const few = <T>(arbitrary: fc.Arbitrary<T>, weights: { none: number; some: number }) =>
  fc.oneof(
    { weight: weights.none, arbitrary: fc.constant<T[]>([]) },
    { weight: weights.some, arbitrary: fc.array(arbitrary, { minLength: 1, maxLength: 2 }) },
  );

const rarely = <T>(arbitrary: fc.Arbitrary<T>, weight: number) =>
  fc.oneof({ weight: 100 - weight, arbitrary: fc.constant(undefined) }, { weight, arbitrary });

export const httpCase: fc.Arbitrary<HttpCase> = fc.record({
  seed: fc.nat(httpSeeds.length - 1),
  tree: few(treeMutation, { none: 1, some: 3 }),
  bytes: few(byteMutation, { none: 12, some: 1 }),
  headers: few(headerMutation, { none: 4, some: 1 }),
  mirrored: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  method: rarely(
    // Not DELETE: it would end the sessions that the rest of a chunk needs. The seeds have it.
    fc.constantFrom("GET", "HEAD", "PUT", "PATCH", "OPTIONS", "POST", "QUERY"),
    3,
  ),
  target: rarely(
    fc.constantFrom(
      "/",
      "/MCP",
      "/mcp/",
      "/mcp?",
      "/mcp?sessionId=x",
      "/health",
      "/%6dcp",
      "//mcp",
    ),
    2,
  ),
  chunked: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.boolean()),
  answer: fc.nat(20),
});

const UNCHANGED: HttpCase = {
  seed: 0,
  tree: [],
  bytes: [],
  headers: [],
  mirrored: true,
  method: undefined,
  target: undefined,
  chunked: false,
  answer: 1,
};

/** Every seed as it is, and with each node dropped, and replaced by a value of each type. */
export const sweepCases: readonly HttpCase[] = httpSeeds.flatMap((request, seed) => {
  const nodes = request.body === undefined ? 0 : pathsOf(treeOf(request.body)).length;
  return [
    { ...UNCHANGED, seed },
    ...Array.from({ length: nodes }, (_, at) => sweepMutations(at)).flatMap((mutations) =>
      mutations.map((mutation) => ({ ...UNCHANGED, seed, tree: [mutation] })),
    ),
  ];
});

/** A case in bytes. */
export interface RenderedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly body: Buffer | undefined;
  readonly chunked: boolean;
}

/** What the placeholders stand for in one request. */
export type Substitutions = Readonly<Record<Placeholder, string>>;

export function render(testCase: HttpCase, substitutions: Substitutions): RenderedRequest {
  const seed = httpSeeds[testCase.seed % httpSeeds.length] as (typeof httpSeeds)[number];
  const fill = (text: string): string =>
    PLACEHOLDERS.reduce((filled, name) => filled.replaceAll(name, substitutions[name]), text);
  let body: Buffer | undefined;
  let { headers } = seed;
  if (seed.body !== undefined) {
    const text = fill(textOf(testCase.tree.reduce(mutateTree, treeOf(seed.body))));
    if (testCase.mirrored) headers = mirrored(text, headers);
    body = testCase.bytes.reduce(mutateBytes, Buffer.from(text, "utf8"));
  }
  return {
    method: testCase.method ?? seed.method,
    target: fill(testCase.target ?? seed.target),
    headers: testCase.headers
      .reduce(mutateHeaders, headers)
      .map(([name, value]) => [name, fill(value)]),
    body,
    chunked: testCase.chunked,
  };
}

/** The standard headers of a modern body; other bodies keep what they had. */
function mirrored(text: string, headers: HeaderList): HeaderList {
  if (!headers.some(([name]) => name === "Mcp-Method")) return headers;
  try {
    return standardHeaders(JSON.parse(text));
  } catch {
    return headers;
  }
}
