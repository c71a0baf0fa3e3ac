import {
  type Clock,
  checkMembers,
  checkMethods,
  type Logger,
  silentLogger,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";
import type { ClientBehaviour } from "../options.ts";
import type { ConfigVariables } from "./config.ts";
import type { ServerStatus } from "./server-slot.ts";

/** The options of `MultiClient`. */
export interface MultiClientOptions {
  /** What `${NAME}` stands for in the configuration, such as `process.env`. Default: nothing. */
  readonly variables?: ConfigVariables;
  /**
   * Between a server's name and that of its tool or prompt: 1 to 8 letters, digits, "_", "." or "-".
   * Default "__".
   */
  readonly separator?: string;
  /**
   * Options of every client, or a function that gives those of one server's: the place for credentials, which
   * must not go to all of them.
   */
  readonly client?:
    | Omit<ClientBehaviour, "auth" | "headers">
    | ((server: string) => ClientBehaviour);
  /** How long `connect` waits for servers that are slow, in milliseconds. Default 5,000. */
  readonly connectWaitMs?: number;
  /** How long a list waits for each server, in milliseconds. Default 5,000. */
  readonly listTimeoutMs?: number;
  /** Called when a server is ready, or fails. */
  readonly onState?: (server: string, status: ServerStatus) => void;
  /** Also of the clients, unless `client` gives another. Default: silent. */
  readonly logger?: Logger;
  /** Also of the clients, unless `client` gives another. */
  readonly clock?: Clock;
}

/** {@link MultiClientOptions} with every default filled in. */
export interface ResolvedMultiOptions {
  readonly variables: ConfigVariables;
  readonly separator: string;
  readonly behaviourOf: (server: string) => ClientBehaviour;
  readonly connectWaitMs: number;
  readonly listTimeoutMs: number;
  readonly onState: (server: string, status: ServerStatus) => void;
  readonly logger: Logger;
  readonly clock: Clock;
}

const SUBJECT = "MultiClient";
const OPTIONS: readonly string[] = [
  "variables",
  "separator",
  "client",
  "connectWaitMs",
  "listTimeoutMs",
  "onState",
  "logger",
  "clock",
] satisfies (keyof MultiClientOptions)[];
const SEPARATOR = /^[A-Za-z0-9_.-]{1,8}$/;

/**
 * Fills defaults and rejects nonsense.
 * @throws {TypeError} that names the option and what it takes.
 */
export function resolveMultiOptions(options: MultiClientOptions): ResolvedMultiOptions {
  checkMembers(SUBJECT, options, OPTIONS);
  const { variables = {}, separator = "__", client = {}, onState, logger, clock } = options;
  if (typeof separator !== "string" || !SEPARATOR.test(separator)) {
    throw new TypeError(
      `${SUBJECT}: option "separator" must be 1 to 8 letters, digits, "_", "." or "-"`,
    );
  }
  if (onState !== undefined && typeof onState !== "function") {
    throw new TypeError(`${SUBJECT}: option "onState" must be a function`);
  }
  checkMethods(SUBJECT, "logger", logger, ["debug", "info", "warn", "error"]);
  checkMethods(SUBJECT, "clock", clock, ["now", "after"]);
  const shared = { ...(logger && { logger }), ...(clock && { clock }) };
  const own = behaviours(client);
  return {
    variables,
    separator,
    behaviourOf: (server) => ({ ...shared, ...own(server) }),
    connectWaitMs: wholeNumber(SUBJECT, "connectWaitMs", options.connectWaitMs ?? 5_000),
    listTimeoutMs: wholeNumber(SUBJECT, "listTimeoutMs", options.listTimeoutMs ?? 5_000),
    onState: onState ?? (() => {}),
    logger: logger ?? silentLogger,
    clock: clock ?? systemClock,
  };
}

function behaviours(
  client: NonNullable<MultiClientOptions["client"]>,
): (server: string) => ClientBehaviour {
  if (typeof client === "function") return client;
  for (const option of ["auth", "headers"]) {
    if (option in client) {
      throw new TypeError(
        `${SUBJECT}: option "client.${option}" would go to every server; give a function of the server's name`,
      );
    }
  }
  return () => client;
}
