import type { SchemaInput } from "@backplane/protocol";
import type { ExpectedFailure, ExpectedProgress } from "./declare.ts";
import { failWith } from "./fail-with.ts";
import { fitSchema } from "./fit-schema.ts";
import { haveProgressed, haveReceivedNotification } from "./notifications.ts";
import { haveStructuredContent, haveText, succeed } from "./tool-result.ts";

/** The part of the matcher context of vitest, and of jest, that the matchers use. */
export interface MatcherState {
  readonly isNot: boolean;
  equals(actual: unknown, expected: unknown): boolean;
  readonly utils: { stringify(value: unknown): string };
}

/** What a matcher answers. */
export interface MatcherOutcome {
  readonly pass: boolean;
  readonly message: () => string;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

type Matcher<Rest extends readonly unknown[], Outcome = MatcherOutcome> = (
  this: MatcherState,
  actual: unknown,
  ...rest: Rest
) => Outcome;

/** For `expect.extend(matchers)`, in a setup file; nothing is registered by the import alone. */
export const matchers: {
  readonly toSucceed: Matcher<[value?: unknown]>;
  readonly toFailWith: Matcher<[expected?: ExpectedFailure | number | string]>;
  readonly toHaveStructuredContent: Matcher<[expected: unknown]>;
  readonly toHaveText: Matcher<[expected: string | RegExp]>;
  readonly toFitSchema: Matcher<[schema: SchemaInput], MatcherOutcome | Promise<MatcherOutcome>>;
  readonly toHaveReceivedNotification: Matcher<
    [method: string, params?: Readonly<Record<string, unknown>>]
  >;
  readonly toHaveProgressed: Matcher<[expected?: ExpectedProgress]>;
} = {
  toSucceed(actual, ...rest) {
    return succeed(this, actual, rest);
  },
  toFailWith(actual, expected) {
    return failWith(this, actual, expected);
  },
  toHaveStructuredContent(actual, expected) {
    return haveStructuredContent(this, actual, expected);
  },
  toHaveText(actual, expected) {
    return haveText(this, actual, expected);
  },
  toFitSchema(actual, schema) {
    return fitSchema(this, actual, schema);
  },
  toHaveReceivedNotification(actual, method, params) {
    return haveReceivedNotification(this, actual, method, params);
  },
  toHaveProgressed(actual, expected) {
    return haveProgressed(this, actual, expected);
  },
};
