import { ToolExecutionError } from "@backplane/server";

/** The application's error codes; all outside the range that JSON-RPC reserves. */
export const codes = {
  /** An argument that names nothing we have, or is malformed. `data.field` says which. */
  invalidInput: -1001,
  /** The time slot is taken. `data.conflicts` lists by what. */
  conflict: -1002,
  /** An upstream service is down, slow, or answers nonsense. */
  upstreamUnavailable: -2001,
  /** The calendars or bookings cannot be read or written. */
  storageUnavailable: -2002,
  /** Anything that nobody foresaw. `data.correlationId` leads to the log, which alone has the cause. */
  internal: -3000,
} as const;

/** Keeps what a caller sent from making a message of any size. */
function clip(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}

/** @param known what would have been accepted, when that can be listed. */
export function invalidInput(
  field: string,
  value: unknown,
  message: string,
  known?: readonly string[],
): ToolExecutionError {
  const shown = typeof value === "string" ? clip(value) : value;
  return new ToolExecutionError(codes.invalidInput, message, {
    data: { field, value: shown, ...(known !== undefined && { known }) },
  });
}

/** One busy interval that stands in the way of a booking. */
export interface Conflict {
  readonly title: string;
  readonly start: string;
  readonly end: string;
}

export function conflict(message: string, conflicts: readonly Conflict[]): ToolExecutionError {
  return new ToolExecutionError(codes.conflict, message, { data: { conflicts } });
}

export function upstreamUnavailable(
  message: string,
  retryAfterMs: number,
  cause?: unknown,
): ToolExecutionError {
  return new ToolExecutionError(codes.upstreamUnavailable, message, {
    retryAfterMs,
    ...(cause !== undefined && { cause }),
  });
}

export function storageUnavailable(message: string, cause?: unknown): ToolExecutionError {
  return new ToolExecutionError(codes.storageUnavailable, message, {
    ...(cause !== undefined && { cause }),
  });
}

/** `“Atlantis”`, clipped, for use inside a message. */
export function quote(text: string): string {
  return `“${clip(text)}”`;
}
