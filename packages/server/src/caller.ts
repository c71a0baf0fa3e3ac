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

/** Authenticators give the same object for the same credential: what follows from it is made once. */
const known = new WeakMap<Principal, Caller>();

export function callerOf(principal: Principal | undefined): Caller {
  if (principal === undefined) return { principal, principalKey: principalKey(principal) };
  let caller = known.get(principal);
  if (caller === undefined) {
    caller = { principal, principalKey: principalKey(principal) };
    known.set(principal, caller);
  }
  return caller;
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
