import {
  compileSchema,
  type StandardJsonSchemaV1,
  type StandardSchemaV1,
} from "@backplane/protocol";
import { isPromise } from "./internal/is-promise.ts";

/**
 * One object schema from a schema per member, whatever library each is of. A member whose schema accepts
 * `undefined` is optional.
 */
export function objectSchema(
  members: Readonly<Record<string, StandardSchemaV1>>,
  subject: string,
): StandardJsonSchemaV1 {
  const entries = Object.entries(members);
  const jsonSchema = (): Record<string, unknown> => ({
    type: "object",
    properties: Object.fromEntries(
      entries.map(([name, schema]) => [
        name,
        compileSchema(schema, {
          side: "input",
          subject: `tool "${subject}" input ${name}`,
          requireObjectRoot: false,
        }).jsonSchema,
      ]),
    ),
    required: entries.filter(([, schema]) => !acceptsUndefined(schema)).map(([name]) => name),
  });
  return {
    "~standard": {
      version: 1,
      vendor: "backplane",
      validate: (value) => validateMembers(entries, value as Record<string, unknown>),
      jsonSchema: { input: jsonSchema, output: jsonSchema },
    },
  };
}

function acceptsUndefined(schema: StandardSchemaV1): boolean {
  const outcome = schema["~standard"].validate(undefined);
  return !isPromise(outcome) && outcome.issues === undefined;
}

type Outcome = StandardSchemaV1.Result<unknown>;

/** Answers at once unless the library of a member does not. */
function validateMembers(
  entries: readonly (readonly [string, StandardSchemaV1])[],
  value: Record<string, unknown>,
): Outcome | Promise<Outcome> {
  const outcomes = entries.map(([name, schema]) =>
    schema["~standard"].validate(Object.hasOwn(value, name) ? value[name] : undefined),
  );
  return outcomes.some((outcome) => isPromise(outcome))
    ? Promise.all(outcomes).then((settled) => merge(entries, settled))
    : merge(entries, outcomes as readonly Outcome[]);
}

function merge(
  entries: readonly (readonly [string, StandardSchemaV1])[],
  outcomes: readonly Outcome[],
): Outcome {
  const issues: StandardSchemaV1.Issue[] = [];
  const parsed: Record<string, unknown> = {};
  entries.forEach(([name], index) => {
    const outcome = outcomes[index] as Outcome;
    if (outcome.issues === undefined) {
      if (outcome.value !== undefined) parsed[name] = outcome.value;
      return;
    }
    for (const { message, path = [] } of outcome.issues) {
      issues.push({ message, path: [name, ...path] });
    }
  });
  return issues.length > 0 ? { issues } : { value: parsed };
}
