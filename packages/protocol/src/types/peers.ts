import type { Icon } from "./content.ts";

/** What a client or server says of itself; self-reported, so never a basis for security. */
export interface Implementation {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  readonly description?: string;
  readonly websiteUrl?: string;
  readonly icons?: readonly Icon[];
}

/** What a client can be asked for (spec: basic/lifecycle). */
export interface ClientCapabilities {
  readonly experimental?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
  readonly roots?: { readonly listChanged?: boolean };
  readonly sampling?: { readonly context?: object; readonly tools?: object };
  /** An empty object means form mode only. */
  readonly elicitation?: { readonly form?: object; readonly url?: object };
  readonly tasks?: Record<string, unknown>;
}

/** What a server offers (spec: basic/lifecycle). */
export interface ServerCapabilities {
  readonly experimental?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
  readonly logging?: object;
  readonly completions?: object;
  readonly prompts?: { readonly listChanged?: boolean };
  readonly resources?: { readonly listChanged?: boolean; readonly subscribe?: boolean };
  readonly tools?: { readonly listChanged?: boolean };
}

/** Syslog severities, least severe first (RFC 5424). */
export const LOG_LEVELS = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const rank: ReadonlyMap<string, number> = new Map(LOG_LEVELS.map((level, index) => [level, index]));

/** Whether a value names a log level. */
export function isLogLevel(value: unknown): value is LogLevel {
  return typeof value === "string" && rank.has(value);
}

/** Whether a message of `level` passes a threshold of `minimum`. */
export function passesLogLevel(level: LogLevel, minimum: LogLevel): boolean {
  return (rank.get(level) as number) >= (rank.get(minimum) as number);
}
