import { checkMembers, checkMethods, type Logger, writesLike } from "@backplane/protocol";
import { printableJson } from "../internal/printable.ts";
import { checkThreshold, LINE_LEVELS, type LineLevel, type LogThreshold, passes } from "./level.ts";
import { Redaction } from "./redaction.ts";

/** The ids under which a line is found beside a trace; an OpenTelemetry span context has both. */
export interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
}

/** What {@link createLogs} takes. */
export interface LogsOptions {
  /** From which level on lines are written; `silent` for none. Default `info`. */
  readonly level?: LogThreshold;
  /** Other levels for single channels, by name. */
  readonly levels?: Readonly<Record<string, LogThreshold>>;
  /**
   * Where lines go: a logger with a method per level, fields first, such as pino; it keeps its own level
   * beside. Default: one line of JSON each to stderr, never to stdout, which over stdio is the protocol's.
   */
  readonly logger?: Logger;
  /** Names of fields that are never shown, beside those that always are hidden, such as `password` and `token`. */
  readonly hiddenNames?: readonly string[];
  /** What is never shown in any text, beside credentials in their usual forms. Each needs the flag `g`. */
  readonly hiddenPatterns?: readonly RegExp[];
  /** The ids of the running trace, such as `() => trace.getActiveSpan()?.spanContext()`. Default none. */
  readonly traceIds?: () => TraceIds | undefined;
}

/** Loggers by channel, over one destination. */
export interface Logs {
  /** The logger of a part: for an option `logger` of a server, a client or a store. Lines carry its name. */
  channel(name: string): Logger;
  /** Changes the level, of one channel or of all that have none of their own, from the next line on. */
  setLevel(level: LogThreshold, channel?: string): void;
}

const SUBJECT = "createLogs";
const MEMBERS: readonly string[] = [
  "level",
  "levels",
  "logger",
  "hiddenNames",
  "hiddenPatterns",
  "traceIds",
] satisfies (keyof LogsOptions)[];

/**
 * Makes loggers that hide credentials, bound what they write, and carry the ids of the running trace. Whatever
 * is logged, a line stays one line of bounded JSON in which nothing acts on a terminal, and no call fails for
 * a line that could not be written.
 * @throws {TypeError} that names the option and what it takes.
 */
export function createLogs(options: LogsOptions = {}): Logs {
  checkMembers(SUBJECT, options, MEMBERS);
  const { levels = {}, logger = stderrJson, hiddenNames = [], hiddenPatterns = [] } = options;
  checkMethods(SUBJECT, "logger", logger, LINE_LEVELS);
  for (const pattern of hiddenPatterns) {
    if (!(pattern instanceof RegExp) || !pattern.global) {
      throw new TypeError(
        `${SUBJECT}: option "hiddenPatterns" takes regular expressions with the flag g, not ${String(pattern)}`,
      );
    }
  }
  if (options.traceIds !== undefined && typeof options.traceIds !== "function") {
    throw new TypeError(`${SUBJECT}: option "traceIds" must be a function`);
  }
  let level = checkThreshold(SUBJECT, "level", options.level ?? "info");
  const own = new Map(
    Object.entries(levels).map(([name, each]) => [
      name,
      checkThreshold(SUBJECT, `levels.${name}`, each),
    ]),
  );
  const redaction = new Redaction({ names: hiddenNames, patterns: hiddenPatterns });
  return {
    channel: (name) =>
      channelLogger(name, {
        redaction,
        logger,
        traceIds: options.traceIds,
        threshold: () => own.get(name) ?? level,
      }),
    setLevel(next, channel) {
      const checked = checkThreshold("setLevel", "level", next);
      if (channel === undefined) level = checked;
      else own.set(channel, checked);
    },
  };
}

interface ChannelParts {
  readonly redaction: Redaction;
  readonly logger: Logger;
  readonly traceIds: LogsOptions["traceIds"];
  readonly threshold: () => LogThreshold;
}

function channelLogger(channel: string, parts: ChannelParts): Logger {
  const { redaction, logger, traceIds, threshold } = parts;
  const write =
    (level: LineLevel) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      if (!passes(level, threshold())) return;
      try {
        const ids = traceIds?.();
        const own = {
          channel,
          ...(ids !== undefined && { traceId: ids.traceId, spanId: ids.spanId }),
        };
        // First to be read first, and last because fields may have been a client's, who could write lines in the
        // name of another part.
        const shown = { ...own, ...redaction.fields(fields), ...own };
        logger[level](shown, redaction.message(message));
      } catch {
        // A log is no reason for a call to fail, and there is nobody left to tell.
      }
    };
  const own = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
  // So that a stdio server refuses to start with it, as it does with the destination itself.
  return writesLike(own, logger);
}

function stderrLine(level: LineLevel): Logger["info"] {
  return (fields, message) => {
    const own = { time: new Date().toISOString(), level, message };
    // Twice for the same reasons.
    const line = JSON.stringify({ ...own, ...fields, ...own });
    globalThis.process?.stderr?.write(`${printableJson(line)}\n`);
  };
}

const stderrJson: Logger = {
  debug: stderrLine("debug"),
  info: stderrLine("info"),
  warn: stderrLine("warn"),
  error: stderrLine("error"),
};
