import type { ResponseHeaders } from "./http-sender.ts";

/** What a body is, as far as MCP cares. */
export type BodyKind = "json" | "event-stream" | "other";

/** Reads `Content-Type`, whatever its case and parameters. */
export function bodyKind(headers: ResponseHeaders): BodyKind {
  const value = firstOf(headers["content-type"]);
  if (value === "application/json") return "json";
  if (value === undefined) return "other";
  const end = value.indexOf(";");
  const type = (end === -1 ? value : value.slice(0, end)).trim().toLowerCase();
  if (type === "application/json") return "json";
  return type === "text/event-stream" ? "event-stream" : "other";
}

/** `Content-Length`, where there is a valid one. */
export function contentLength(headers: ResponseHeaders): number | undefined {
  const value = firstOf(headers["content-length"]);
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** The first of several values; headers that are read here may be there only once. */
export function firstOf(value: string | string[] | undefined): string | undefined {
  return typeof value === "object" ? value[0] : value;
}

/**
 * `Retry-After` in milliseconds from `nowMs`: seconds or a date (RFC 9110, 10.2.3). Undefined when it is
 * missing or malformed, 0 for a date that has passed.
 */
export function retryAfterMs(headers: ResponseHeaders, nowMs: number): number | undefined {
  const value = firstOf(headers["retry-after"])?.trim();
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  // `Date.parse` takes much for a date, "-5" and "1.5" included; each form of RFC 9110 begins with a day.
  if (!/^[A-Za-z]{3,9},? /.test(value)) return undefined;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** Every header with one value each, for a `ClientAuth`. */
export function joinedHeaders(headers: ResponseHeaders): Record<string, string> {
  const joined: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name] = typeof value === "string" ? value : value.join(", ");
  }
  return joined;
}
