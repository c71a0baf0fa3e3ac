import type { Logger } from "./seams/logger.ts";

/** Says nothing: the default of whatever logs and has not been told to whom. */
export const silentLogger: Logger = Object.freeze({
  debug() {},
  info() {},
  warn() {},
  error() {},
});
