import { type CallToolResult, isJsonObject } from "@backplane/protocol";
import type { MatcherOutcome, MatcherState } from "./matchers.ts";

/** @throws {TypeError} for what is no result of `callTool`: such a test could only pass by accident. */
export function toolResult(matcher: string, actual: unknown): CallToolResult {
  if (isJsonObject(actual) && Array.isArray(actual["content"])) {
    return actual as unknown as CallToolResult;
  }
  throw new TypeError(
    `${matcher}: expects the result of callTool, which has "content"; got ${typeof actual}`,
  );
}

/** The text blocks of a result. */
export function textsOf({ content }: CallToolResult): readonly string[] {
  return content.flatMap((block) => (block.type === "text" ? [block.text] : []));
}

/** The value as `call` gives it. */
function toolValue(result: CallToolResult): unknown {
  return result.structuredContent ?? textsOf(result).join("\n");
}

export function succeed(
  { equals, isNot, utils }: MatcherState,
  actual: unknown,
  [expected]: readonly [value?: unknown],
): MatcherOutcome {
  const result = toolResult("toSucceed", actual);
  const value = toolValue(result);
  const failed = result.isError === true;
  const pass = !failed && (expected === undefined || equals(value, expected));
  const message = (): string => {
    if (isNot) return `expected the tool not to succeed with ${utils.stringify(value)}`;
    if (failed) return `expected the tool to succeed; it failed with ${textsOf(result).join("\n")}`;
    return `expected the tool to succeed with ${utils.stringify(expected)}, not ${utils.stringify(value)}`;
  };
  return { pass, message, ...(!failed && expected !== undefined && { actual: value, expected }) };
}

export function haveStructuredContent(
  { equals, isNot, utils }: MatcherState,
  actual: unknown,
  expected: unknown,
): MatcherOutcome {
  const result = toolResult("toHaveStructuredContent", actual);
  const content: unknown = result.structuredContent;
  // Members that are not named may be there, at the top, as with toMatchObject.
  const seen =
    isJsonObject(content) && isJsonObject(expected)
      ? Object.fromEntries(Object.entries(content).filter(([name]) => name in expected))
      : content;
  return {
    pass: content !== undefined && equals(seen, expected),
    actual: seen,
    expected,
    message: () =>
      content === undefined
        ? `expected structured content; the result has only ${utils.stringify(result.content)}`
        : `expected structured content ${isNot ? "other than" : "with"} ${utils.stringify(expected)}, got ${utils.stringify(content)}`,
  };
}

export function haveText(
  { isNot, utils }: MatcherState,
  actual: unknown,
  expected: string | RegExp,
): MatcherOutcome {
  const texts = textsOf(toolResult("toHaveText", actual));
  return {
    pass: texts.some((text) => fits(text, expected)),
    message: () =>
      `expected ${isNot ? "no" : "a"} text block ${typeof expected === "string" ? "equal to" : "that fits"} ${utils.stringify(expected)}; the texts are ${utils.stringify(texts)}`,
  };
}

/** Whether a text is the expected one, or fits it. */
export function fits(text: string, expected: string | RegExp): boolean {
  // `search` keeps no state, whatever the flags.
  return typeof expected === "string" ? text === expected : text.search(expected) >= 0;
}
