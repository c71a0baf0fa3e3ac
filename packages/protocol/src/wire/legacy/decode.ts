import { decodeProgressToken, type RequestClaims } from "../claims.ts";

/** Reads what a legacy request says of itself: only a progress token; the session says the rest. */
export function decodeClaims(meta: Readonly<Record<string, unknown>> | undefined): RequestClaims {
  return {
    progressToken: decodeProgressToken(meta?.progressToken),
    capabilities: undefined,
    clientInfo: undefined,
    logLevel: undefined,
  };
}
