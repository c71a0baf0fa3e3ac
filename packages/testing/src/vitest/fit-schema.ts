import {
  type CompiledSchema,
  compileSchema,
  isStandardSchema,
  type SchemaInput,
  standardValidator,
  type ValidationOutcome,
} from "@backplane/protocol";
import type { MatcherOutcome, MatcherState } from "./matchers.ts";

export function fitSchema(
  { isNot }: MatcherState,
  actual: unknown,
  schema: SchemaInput,
): MatcherOutcome | Promise<MatcherOutcome> {
  const judge = ({ issues }: ValidationOutcome): MatcherOutcome => ({
    pass: issues === undefined,
    message: () =>
      isNot
        ? "expected the value not to fit the schema"
        : `expected the value to fit the schema:\n${(issues ?? [])
            .map(({ path, message }) => `  ${path === "" ? "(the value)" : path}: ${message}`)
            .join("\n")}`,
  });
  const outcome = validatorOf(schema)(actual);
  return outcome instanceof Promise ? outcome.then(judge) : judge(outcome);
}

function validatorOf(schema: SchemaInput): CompiledSchema["validate"] {
  // A Standard Schema may be one that JSON Schema cannot express.
  if (isStandardSchema(schema)) return standardValidator(schema);
  const subject = "the schema of toFitSchema";
  return compileSchema(schema, { side: "output", subject, requireObjectRoot: false }).validate;
}
