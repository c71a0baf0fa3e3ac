import type { Logger } from "@backplane/protocol";

/** The default: a library says nothing unless it is told to whom. */
export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
