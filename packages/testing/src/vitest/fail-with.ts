import { isJsonObject, META_TOOL_ERROR } from "@backplane/protocol";
import type { ExpectedFailure } from "./declare.ts";
import type { MatcherOutcome, MatcherState } from "./matchers.ts";
import { fits, textsOf, toolResult } from "./tool-result.ts";

/** A failure, wherever it came from. */
interface Failure {
  readonly code: unknown;
  readonly message: string;
  readonly data: unknown;
  readonly retryAfterMs: unknown;
}

export function failWith(
  { equals, isNot, utils }: MatcherState,
  actual: unknown,
  expected: ExpectedFailure | number | string = {},
): MatcherOutcome {
  const wanted = typeof expected === "object" ? expected : { code: expected };
  const failure = failureOf(actual);
  const wrong =
    failure === undefined
      ? []
      : Object.entries(wanted).filter(([member, value]) => {
          const seen = failure[member as keyof Failure];
          return member === "message"
            ? !fits(failure.message, value as string | RegExp)
            : !equals(seen, value);
        });
  return {
    pass: failure !== undefined && wrong.length === 0,
    message: () => {
      if (failure === undefined) {
        return `expected a failure; the tool succeeded with ${utils.stringify(actual)}`;
      }
      if (isNot) return `expected no such failure as ${utils.stringify(failure)}`;
      return wrong
        .map(
          ([member, value]) =>
            `expected a failure with ${member} ${utils.stringify(value)}, not ${utils.stringify(failure[member as keyof Failure])}`,
        )
        .join("\n");
    },
  };
}

/** Undefined for a tool's result that is none. */
function failureOf(actual: unknown): Failure | undefined {
  if (actual instanceof Error) {
    const { message, code, data, retryAfterMs } = actual as Error & Partial<Failure>;
    return { message, code, data, retryAfterMs };
  }
  const result = toolResult("toFailWith", actual);
  if (result.isError !== true) return undefined;
  const meta = result._meta?.[META_TOOL_ERROR];
  const { code, data, retryAfterMs } = isJsonObject(meta) ? meta : {};
  return { message: textsOf(result).join("\n"), code, data, retryAfterMs };
}
