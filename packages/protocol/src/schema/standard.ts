import {
  issue,
  MAX_ISSUES,
  renderPath,
  type ValidationIssue,
  type ValidationOutcome,
} from "./issues.ts";
import type { StandardSchemaV1 } from "./standard-schema.ts";

/** Whether `value` implements Standard Schema v1. ArkType's types are functions. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard = (value as Partial<StandardSchemaV1>)["~standard"];
  return (
    typeof standard === "object" &&
    standard?.version === 1 &&
    typeof standard.validate === "function"
  );
}

/** A validator that answers at once where the library does. */
export function standardValidator(
  schema: StandardSchemaV1,
): (value: unknown) => ValidationOutcome | Promise<ValidationOutcome> {
  // Read once: ArkType builds the object anew on each access.
  const standard = schema["~standard"];
  return (value) => {
    const result = standard.validate(value);
    // The result of a success is handed on as it is: this path allocates nothing.
    if (result instanceof Promise) return result.then(toOutcome);
    return result.issues === undefined ? result : toOutcome(result);
  };
}

function toOutcome(result: StandardSchemaV1.Result<unknown>): ValidationOutcome {
  return result.issues === undefined ? result : { issues: toIssues(result.issues) };
}

function toIssues(issues: readonly StandardSchemaV1.Issue[]): readonly ValidationIssue[] {
  const reported: ValidationIssue[] = [];
  for (const one of issues) {
    const keys = (one.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
    reported.push(issue(renderPath(keys), withoutValue(one)));
    if (reported.length === MAX_ISSUES) break;
  }
  return reported.length > 0 ? reported : [issue("", "is not valid")];
}

/** What valibot and ArkType put beside their messages. */
interface VendorIssue {
  readonly received?: unknown;
  readonly actual?: unknown;
  /** ArkType's message without the path in front. */
  readonly problem?: unknown;
}

/**
 * The message without what the value was: it may be a secret or megabytes long, and whoever sent it
 * knows it. valibot writes `but received "x"`, ArkType `(was "x")`; zod names only the type.
 */
function withoutValue(one: StandardSchemaV1.Issue): string {
  const { received, actual, problem } = one as VendorIssue;
  let message = typeof problem === "string" ? problem : one.message;
  if (typeof actual === "string") message = message.replaceAll(` (was ${actual})`, "");
  if (typeof received === "string") {
    message = message
      .replaceAll(` but received ${received}`, "")
      .replaceAll(`: Received ${received}`, "");
  }
  return message;
}
