import type { ProgressReport, SchemaInput } from "@backplane/protocol";
import type {} from "vitest";

/** What a failure must be; members that are missing may be anything. */
export interface ExpectedFailure {
  /** A `ToolExecutionError`'s or JSON-RPC error's number, or an `MCPClientError`'s name. */
  readonly code?: number | string;
  readonly message?: string | RegExp;
  readonly data?: unknown;
  readonly retryAfterMs?: number;
}

/** A number stands for a report with that progress. */
export type ExpectedProgress = readonly (number | Partial<ProgressReport>)[];

/** The matchers that `expect.extend(matchers)` adds. */
export interface BackplaneMatchers<R = unknown> {
  /**
   * A tool's result (`callTool`) without `isError`; with `value`, its structured content or text equals it,
   * asymmetric matchers included.
   */
  toSucceed(value?: unknown): R;
  /**
   * A tool's result with `isError`, or a thrown error (with `.rejects`), whose code, message, data and time to
   * wait are these.
   */
  toFailWith(expected?: ExpectedFailure | number | string): R;
  /** A tool's result whose structured content has these members, asymmetric matchers included. */
  toHaveStructuredContent(expected: unknown): R;
  /** A tool's result one of whose text blocks is this text, or fits it. */
  toHaveText(expected: string | RegExp): R;
  /**
   * Fits a Standard Schema or a raw JSON Schema. `await` it: some schema libraries answer later.
   */
  toFitSchema(schema: SchemaInput): Promise<void>;
  /** A test client that received this notification, with at least these params. */
  toHaveReceivedNotification(method: string, params?: Readonly<Record<string, unknown>>): R;
  /**
   * A test client, or a list of progress reports: progress grows with every report of a request (spec:
   * basic/utilities/progress), and the reports are these, if any are named.
   */
  toHaveProgressed(expected?: ExpectedProgress): R;
}

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: type parameters of merged declarations must be the same.
  interface Matchers<T = any> extends BackplaneMatchers<T> {}
}
