import { checkMembers, checkMethods, type Logger } from "@backplane/protocol";
import { observe } from "../observe.ts";
import { checkThreshold, type LineLevel, type LogThreshold } from "./level.ts";

/** What {@link logEvents} takes. */
export interface LogEventsOptions {
  readonly server: { readonly serverId: string };
  readonly logger: Logger;
  /**
   * At which level each channel of the server is logged; `silent` for not at all. Default: `requestEnd` at
   * `info`, `limit` at `warn`, `routeEnd` at `debug`, because probes come every few seconds, the rest silent,
   * because the server, or the part itself, logs it already.
   */
  readonly levels?: Partial<Record<LoggedChannel, LogThreshold>>;
}

/** The channels that can be logged. */
export type LoggedChannel =
  | "requestEnd"
  | "routeEnd"
  | "limit"
  | "authenticationRefused"
  | "degraded";

const DEFAULTS: Readonly<Record<LoggedChannel, LogThreshold>> = {
  requestEnd: "info",
  routeEnd: "debug",
  limit: "warn",
  authenticationRefused: "silent",
  degraded: "silent",
};

/**
 * Logs what a server tells on its channels: one line for each request, with its correlation id, who, what and
 * how it ended, one for each request of a route, and what it refused. Never arguments or results.
 * @returns what ends it.
 * @throws {TypeError} that names the option and what it takes.
 */
export function logEvents(options: LogEventsOptions): () => void {
  checkMembers("logEvents", options, ["server", "logger", "levels"]);
  const { server, logger, levels = {} } = options;
  if (typeof (server as LogEventsOptions["server"] | undefined)?.serverId !== "string") {
    throw new TypeError('logEvents: option "server" must be a server');
  }
  checkMethods("logEvents", "logger", logger ?? null, ["debug", "info", "warn", "error"]);
  checkMembers("logEvents", levels, Object.keys(DEFAULTS));
  const { serverId } = server;
  const ends: (() => void)[] = [];
  const on = (channel: LoggedChannel, begin: (level: LineLevel) => () => void): void => {
    const level = checkThreshold(
      "logEvents",
      `levels.${channel}`,
      levels[channel] ?? DEFAULTS[channel],
    );
    if (level !== "silent") ends.push(begin(level));
  };
  on("requestEnd", (level) =>
    observe(
      "requestEnd",
      serverId,
      ({ context, target, outcome, errorCode, durationMs, decision }) =>
        logger[level](
          {
            correlationId: context.correlationId,
            method: context.method,
            target,
            principal: context.principal?.id,
            era: context.era,
            outcome,
            errorCode,
            decision,
            durationMs: toMicroseconds(durationMs),
          },
          "request",
        ),
    ),
  );
  on("routeEnd", (level) =>
    observe(
      "routeEnd",
      serverId,
      ({ route, method, status, stage, principal, remoteAddress, correlationId, durationMs }) =>
        logger[level](
          {
            route,
            method,
            status,
            stage,
            principal: principal?.id,
            remoteAddress,
            correlationId,
            durationMs: toMicroseconds(durationMs),
          },
          "request of a route",
        ),
    ),
  );
  on("limit", (level) =>
    observe("limit", serverId, ({ limit, context, target, route }) =>
      logger[level](
        { limit, correlationId: context?.correlationId, method: context?.method, target, route },
        "a limit refused something",
      ),
    ),
  );
  on("authenticationRefused", (level) =>
    observe(
      "authenticationRefused",
      serverId,
      ({ status, stage, remoteAddress, transport, route }) =>
        logger[level](
          { status, stage, remoteAddress, transport, route },
          "a credential was refused",
        ),
    ),
  );
  on("degraded", (level) =>
    observe("degraded", serverId, ({ part, degraded }) =>
      logger[level]({ part, degraded }, degraded ? "a part is degraded" : "a part works again"),
    ),
  );
  return () => {
    for (const end of ends.splice(0)) end();
  };
}

/** Rounded, so that no line has sixteen digits. */
function toMicroseconds(durationMs: number): number {
  return Math.round(durationMs * 1_000) / 1_000;
}
