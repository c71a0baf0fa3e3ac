import {
  type Principal,
  principalKey,
  type RequestClaims,
  type TransportInfo,
  type WireCodec,
} from "@backplane/protocol";
import type { Peer } from "./call.ts";

/** Who is calling: as the authenticator said, or as whoever connected a transport did. */
export interface Caller {
  readonly principal: Principal | undefined;
  /** `principalKey(principal)`, computed once. */
  readonly principalKey: string;
}

export function callerOf(principal: Principal | undefined): Caller {
  return { principal, principalKey: principalKey(principal) };
}

/** The peer of one modern request: it says everything of itself, and nothing is remembered. */
export function modernPeer(
  codec: WireCodec,
  claims: RequestClaims,
  { principal, principalKey }: Caller,
  transport: TransportInfo,
): Peer {
  return {
    codec,
    principal,
    principalKey,
    clientInfo: claims.clientInfo,
    capabilities: claims.capabilities ?? {},
    sessionId: undefined,
    session: undefined,
    transport,
    logLevel: claims.logLevel,
  };
}
