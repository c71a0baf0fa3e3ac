import {
  type CompiledSchema,
  compileSchema,
  type JsonSchema,
  type ValidationOutcome,
} from "@backplane/protocol";

/**
 * Longest time in milliseconds that a server's schema may keep this thread: once for compiling, and for each
 * value. A pattern that backtracks, or references that double, would keep it for ever.
 */
const COMPILE_MS = 1_000;
const CHECK_MS = 250;

/** A schema with none of these takes time in proportion to itself times the value, whatever the value is. */
const UNBOUNDED: ReadonlySet<string> = new Set([
  "$dynamicRef",
  "$recursiveRef",
  "$ref",
  "pattern",
  "patternProperties",
  "unevaluatedItems",
  "unevaluatedProperties",
  "uniqueItems",
]);
const SMALL_SCHEMA_PARTS = 500;
const SMALL_VALUE_PARTS = 10_000;

/** Checks values against a schema that another party wrote. */
export interface OutputCheck {
  /** @throws {Error} when the schema cannot tell, or not in time. */
  validate(value: unknown): ValidationOutcome;
}

/**
 * Compiles a schema that is not to be trusted with this thread.
 * @throws {Error} when it cannot be compiled, or not in time.
 */
export function compileOutputCheck(schema: JsonSchema, subject: string): OutputCheck {
  const options = { side: "output", subject, requireObjectRoot: false } as const;
  // The first schema of a dialect loads its validator: that is our own time, and must not end half-way.
  const { $schema } = schema;
  compileSchema($schema === undefined ? {} : { $schema }, options);
  const compiled: CompiledSchema = inTime(COMPILE_MS, () => compileSchema(schema, options));
  // Raw JSON Schema is validated at once.
  const validate = (value: unknown) => compiled.validate(value) as ValidationOutcome;
  const isHarmless = hasAtMost(schema, SMALL_SCHEMA_PARTS, UNBOUNDED);
  return {
    validate: (value) =>
      isHarmless && hasAtMost(value, SMALL_VALUE_PARTS)
        ? validate(value)
        : inTime(CHECK_MS, () => validate(value)),
  };
}

/** Whether a value has few parts, and none by one of these names. */
function hasAtMost(value: unknown, parts: number, without?: ReadonlySet<string>): boolean {
  let left = parts;
  const look = (part: unknown): boolean => {
    if (--left < 0) return false;
    if (typeof part !== "object" || part === null) return true;
    for (const key in part) {
      if (without?.has(key) || !look((part as Record<string, unknown>)[key])) return false;
    }
    return true;
  };
  return look(value);
}

let runner: ((task: () => unknown, timeoutMs: number) => unknown) | undefined;

/** Runs a task that cannot be asked to stop. It costs a tenth of a millisecond to be able to stop it. */
function inTime<Result>(timeoutMs: number, task: () => Result): Result {
  runner ??= createRunner();
  return runner(task, timeoutMs) as Result;
}

/** Node's `vm` can end synchronous code; where it is missing, raw schemas are not compiled at all. */
function createRunner(): NonNullable<typeof runner> {
  const vm = globalThis.process?.getBuiltinModule?.("node:vm");
  if (vm === undefined) return (task) => task();
  const context = vm.createContext({ task: undefined });
  const script = new vm.Script("task()");
  return (task, timeoutMs) => {
    context.task = task;
    try {
      return script.runInContext(context, { timeout: timeoutMs });
    } finally {
      context.task = undefined;
    }
  };
}
