import { OAuthClientError } from "./errors.ts";

/** The functions of the official SDK's client that the flows are made of. */
export type Sdk = typeof import("@modelcontextprotocol/client");

const NAME = "@modelcontextprotocol/client";

let loading: Promise<Sdk> | undefined;

/**
 * Loads the SDK when the first flow runs, since most requests never need it.
 *
 * @throws {OAuthClientError} that names the package when it is not installed.
 */
export function loadSdk(): Promise<Sdk> {
  loading ??= import("@modelcontextprotocol/client").catch((cause: unknown) => {
    loading = undefined;
    throw missing(cause);
  });
  return loading;
}

function missing(cause: unknown): unknown {
  const { code, message } = cause as { code?: unknown; message?: unknown };
  if (code !== "ERR_MODULE_NOT_FOUND" || !String(message).includes(NAME)) return cause;
  return new OAuthClientError(
    "dependency_missing",
    "discovery",
    `OAuth flows need the package ${NAME}, which is not installed: npm install ${NAME}`,
    { cause },
  );
}
