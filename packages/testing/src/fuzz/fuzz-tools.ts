import { MCPClientError } from "@backplane/client";
import {
  type CallToolResult,
  type CompiledSchema,
  checkMembers,
  compileSchema,
  ErrorCode,
  type JsonObject,
  MCPError,
  type Tool,
  wholeNumber,
} from "@backplane/protocol";
import fc, { type Arbitrary } from "fast-check";
import { MCPTestClient } from "../mcp-test-client.ts";
import type { MCPTestClientOptions } from "../test-client-options.ts";
import type { TestTarget } from "../test-server.ts";
import { mutated } from "./mutations.ts";
import { schemaArbitrary, UnmakeableSchemaError } from "./schema-arbitrary.ts";

/**
 * `internal`: an internal error, which is a fault of the server's own. `refused`: arguments that fit the
 * published schema are called invalid. `accepted`: arguments that do not fit it are taken. `broken`: no
 * answer, or one that the client cannot take, such as structured content that does not fit the tool's output
 * schema.
 */
export type FuzzFindingKind = "internal" | "refused" | "accepted" | "broken";

/** The smallest arguments found that a tool deals badly with; the first ones for `broken`. */
export interface FuzzFinding {
  readonly tool: string;
  readonly kind: FuzzFindingKind;
  readonly arguments: JsonObject;
  /** What came of it. */
  readonly message: string;
}

/** What `fuzzTools` takes. */
export interface FuzzOptions {
  /** Only these tools. Default: all but those annotated `destructiveHint: true`. */
  readonly tools?: readonly string[];
  /** Right, and as many wrong, arguments for each tool; a whole number of 1 or more. Default 100. */
  readonly runs?: number;
  /** Repeats a run; a whole number of 1 or more. Default: a random one, which the report names. */
  readonly seed?: number;
  /** Right arguments of a tool, where they cannot be made from its schema alone: names that exist, say. */
  readonly arguments?: Readonly<Record<string, Arbitrary<JsonObject>>>;
  /** Kinds that are no finding here. Default none. */
  readonly allow?: readonly FuzzFindingKind[];
  /** How the calls are made. Default: in memory, 5 seconds for each. */
  readonly client?: MCPTestClientOptions;
}

/** What a run came to. */
export interface FuzzReport {
  readonly seed: number;
  /** Whether there is no finding. */
  readonly ok: boolean;
  readonly calls: number;
  /** By tool, what was called. */
  readonly tools: readonly string[];
  /** By tool, why it was not called, or not with wrong arguments. */
  readonly skipped: Readonly<Record<string, string>>;
  readonly findings: readonly FuzzFinding[];
}

const KNOWN = [
  "tools",
  "runs",
  "seed",
  "arguments",
  "allow",
  "client",
] as const satisfies readonly (keyof FuzzOptions)[];

/**
 * Calls the tools of a server with arguments made from their own schemas, right ones and wrong ones, and looks
 * for what should never come of it. It really calls them: take a server whose tools do no harm.
 *
 * @throws {TypeError} for an illegal option, or a tool that is not there.
 * @throws {MCPClientError} when there is no connection.
 */
export async function fuzzTools(
  target: TestTarget,
  options: FuzzOptions = {},
): Promise<FuzzReport> {
  checkMembers("fuzzTools", options, KNOWN);
  const { tools: wanted, arguments: given = {}, allow = [], client: how = {} } = options;
  const runs = wholeNumber("fuzzTools", "runs", options.runs ?? 100);
  const seed = wholeNumber("fuzzTools", "seed", options.seed ?? randomSeed());
  const tester = new MCPTestClient(target, { timeoutMs: 5_000, ...how });
  try {
    await tester.connect();
    return await fuzzAll(tester, { wanted, given, allow, runs, seed });
  } finally {
    await tester.disconnect();
  }
}

interface FuzzPlan {
  readonly wanted: readonly string[] | undefined;
  readonly given: Readonly<Record<string, Arbitrary<JsonObject>>>;
  readonly allow: readonly FuzzFindingKind[];
  readonly runs: number;
  readonly seed: number;
}

async function fuzzAll(tester: MCPTestClient, plan: FuzzPlan): Promise<FuzzReport> {
  const { wanted, given, allow, runs, seed } = plan;
  const all = await tester.client.listTools();
  const missing = wanted?.find((name) => !all.some((tool) => tool.name === name));
  if (missing !== undefined) throw new TypeError(`fuzzTools: the server has no tool "${missing}"`);

  const skipped: Record<string, string> = {};
  const called: string[] = [];
  const findings: FuzzFinding[] = [];
  let calls = 0;
  const call = async (tool: string, args: JsonObject, fits: boolean): Promise<Verdict> => {
    calls++;
    const verdict = await judge(tester, tool, args, fits);
    return verdict !== undefined && allow.includes(verdict.kind) ? undefined : verdict;
  };
  for (const tool of all) {
    if (wanted !== undefined && !wanted.includes(tool.name)) continue;
    if (wanted === undefined && tool.annotations?.destructiveHint === true) {
      skipped[tool.name] = 'it is annotated destructive; name it in "tools" to call it';
      continue;
    }
    try {
      const right = given[tool.name] ?? rightArguments(tool);
      const validate = validatorOf(tool);
      called.push(tool.name);
      for (const fits of [true, false]) {
        const args = fits ? right : mutated(right);
        const outcome = await search({ args, fits, validate, runs, seed }, (made) =>
          call(tool.name, made, fits),
        );
        if (outcome === "too few") {
          skipped[tool.name] = fits
            ? 'too few values fit its schema; give them in "arguments"'
            : "its schema takes almost anything, so there is little to call wrong";
          if (fits) break;
        } else if (outcome !== undefined) {
          findings.push({ tool: tool.name, ...outcome });
          if (outcome.kind === "broken" && !(await answers(tester))) {
            skipped["*"] = `the server did not answer any more after ${tool.name}`;
            return { seed, ok: false, calls, tools: called, skipped, findings };
          }
        }
      }
    } catch (error) {
      if (!(error instanceof UnmakeableSchemaError)) throw error;
      skipped[tool.name] = `${error.message}; give right ones in "arguments"`;
    }
  }
  return { seed, ok: findings.length === 0, calls, tools: called, skipped, findings };
}

/** A report as people read it. */
export function formatFuzzReport({ seed, calls, tools, skipped, findings }: FuzzReport): string {
  const lines = [
    `${calls} calls of ${tools.length} tools, seed ${seed}: ${findings.length} findings`,
  ];
  for (const { tool, kind, arguments: args, message } of findings) {
    lines.push(`  ${tool}: ${kind}: ${message}\n    with ${JSON.stringify(args).slice(0, 500)}`);
  }
  for (const [tool, why] of Object.entries(skipped)) lines.push(`  ${tool}: skipped: ${why}`);
  return lines.join("\n");
}

type Verdict = { readonly kind: FuzzFindingKind; readonly message: string } | undefined;

interface Search {
  readonly args: Arbitrary<JsonObject>;
  readonly fits: boolean;
  readonly validate: CompiledSchema["validate"];
  readonly runs: number;
  readonly seed: number;
}

/** The smallest arguments that come to a finding. */
async function search(
  { args, fits, validate, runs, seed }: Search,
  call: (args: JsonObject) => Promise<Verdict>,
): Promise<Omit<FuzzFinding, "tool"> | "too few" | undefined> {
  let worst: Omit<FuzzFinding, "tool"> | undefined;
  const details = await fc.check(
    fc.asyncProperty(args, async (made) => {
      const { issues } = await validate(made);
      fc.pre((issues === undefined) === fits);
      // Smaller ones would each be waited for as long: a server that does not answer is enough to know.
      if (worst?.kind === "broken") return true;
      const verdict = await call(made);
      // While it shrinks, each failure is smaller than the last.
      if (verdict !== undefined) worst = { ...verdict, arguments: made };
      return verdict === undefined;
    }),
    { numRuns: runs, seed, maxSkipsPerRun: 20 },
  );
  if (worst !== undefined) return worst;
  // Not a verdict on the server: the arbitrary or this kit itself threw.
  if (details.counterexample !== null) throw details.errorInstance;
  return details.failed ? "too few" : undefined;
}

async function judge(
  tester: MCPTestClient,
  tool: string,
  args: JsonObject,
  fits: boolean,
): Promise<Verdict> {
  let result: CallToolResult;
  try {
    result = await tester.callTool(tool, { arguments: args });
  } catch (error) {
    if (MCPClientError.isInstance(error)) {
      return { kind: "broken", message: `${error.code}: ${error.message}` };
    }
    if (!MCPError.isInstance(error)) throw error;
    if (error.code === ErrorCode.internalError) return { kind: "internal", message: error.message };
    const invalid = error.code === ErrorCode.invalidParams;
    return fits && invalid ? { kind: "refused", message: error.message } : undefined;
  }
  const text = result.content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
  if (!fits) {
    return result.isError === true
      ? undefined
      : { kind: "accepted", message: "arguments that do not fit its schema were taken" };
  }
  // The words of Backplane and of the official SDK for arguments that do not fit (spec: server/tools).
  const refused = result.isError === true && /invalid arguments for tool/i.test(text);
  return refused ? { kind: "refused", message: text.slice(0, 500) } : undefined;
}

async function answers(tester: MCPTestClient): Promise<boolean> {
  return tester.client.ping({ timeoutMs: 5_000 }).then(
    () => true,
    () => false,
  );
}

function rightArguments(tool: Tool): Arbitrary<JsonObject> {
  return schemaArbitrary(tool.inputSchema).filter(
    (value): value is JsonObject => typeof value === "object" && value !== null,
  ) as Arbitrary<JsonObject>;
}

function validatorOf({ name, inputSchema }: Tool): CompiledSchema["validate"] {
  const subject = `tool "${name}" input`;
  return compileSchema(inputSchema, { side: "input", subject, requireObjectRoot: false }).validate;
}

function randomSeed(): number {
  return 1 + ((globalThis.crypto.getRandomValues(new Uint32Array(1))[0] as number) % 0x7fffffff);
}
