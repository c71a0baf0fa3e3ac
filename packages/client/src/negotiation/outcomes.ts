import {
  eraOf,
  isJsonObject,
  LEGACY_REVISIONS,
  type LegacyRevision,
  type MCPError,
  MODERN_REVISIONS,
  type ModernRevision,
  type Revision,
} from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type {
  Carrier,
  DiscoverStep,
  Failure,
  InitializeStep,
  JsonRpcErrorEvent,
  Negotiation,
  Refusal,
} from "./types.ts";

/** Statuses of `initialize` that send a client to the transport of 2024-11-05 (spec: transports/streamable-http). */
const TRY_SSE: ReadonlySet<number | undefined> = new Set([400, 404, 405]);

/** Statuses below 500 that say nothing about the era: credentials, and load. */
const NO_EVIDENCE: ReadonlySet<number> = new Set([401, 403, 407, 408, 425, 429]);

/** As much of what a server says of its versions as an error repeats. */
const MAX_LISTED = 20;
const MAX_LISTED_LENGTH = 40;

/** The step that sends `server/discover`. */
export function discoverStep(
  revision: ModernRevision,
  over: Carrier,
  freshConnection: boolean,
): DiscoverStep {
  return { kind: "discover", revision, over, freshConnection };
}

/** The step that sends `initialize`. */
export function initializeStep(
  revision: LegacyRevision,
  over: Carrier,
  freshConnection: boolean,
): InitializeStep {
  return { kind: "initialize", revision, over, freshConnection };
}

/** The negotiation has found what both speak. */
export function settled(negotiation: Negotiation, revision: Revision, over: Carrier): Negotiation {
  return { ...negotiation, step: { kind: "settled", era: eraOf(revision), revision, over } };
}

/** The negotiation has ended without. */
export function failed(negotiation: Negotiation, error: Failure): Negotiation {
  return { ...negotiation, step: { kind: "failed", error } };
}

/** The end of a server that answers one request with the result of another. */
export function outOfPlace(negotiation: Negotiation, kind: string): Negotiation {
  const message = `The server answered out of place: ${kind}`;
  return failed(negotiation, new MCPClientError("invalid_response", message));
}

/** @param theirs what the server said that it speaks; undefined when it did not say. */
export function unsupported(
  { setup: { protocol } }: Negotiation,
  theirs: readonly string[] | undefined,
  cause?: unknown,
): MCPClientError {
  const ours = protocol === "auto" ? [...MODERN_REVISIONS, ...LEGACY_REVISIONS] : [protocol];
  const supported = theirs
    ?.slice(0, MAX_LISTED)
    .map((version) => version.slice(0, MAX_LISTED_LENGTH));
  return new MCPClientError(
    "unsupported_version",
    `No protocol revision in common: the server speaks ${supported?.join(", ") || "none that it names"}, ` +
      `this client ${protocol === "auto" ? "" : "is told to speak only "}${ours.join(", ")}`,
    { cause, details: { supported, ours } },
  );
}

/** The newest modern revision that the server lists and this client may speak. */
export function bestModern(
  { setup: { protocol } }: Negotiation,
  supported: readonly string[],
): ModernRevision | undefined {
  return MODERN_REVISIONS.find(
    (candidate) => (protocol === "auto" || protocol === candidate) && supported.includes(candidate),
  );
}

/** The newest legacy revision that the server lists. A revision that is insisted on has been offered already. */
export function bestLegacy(
  { setup: { protocol } }: Negotiation,
  supported: readonly string[],
): LegacyRevision | undefined {
  if (protocol !== "auto") return undefined;
  return LEGACY_REVISIONS.find((candidate) => supported.includes(candidate));
}

/** The versions that an error lists, in the form of −32022 and of the example of 2025-11-25, basic/lifecycle. */
export function supportedIn({ data }: MCPError): readonly string[] | undefined {
  const supported = isJsonObject(data) ? data.supported : undefined;
  const isList =
    Array.isArray(supported) && supported.every((version) => typeof version === "string");
  return isList ? (supported as string[]) : undefined;
}

/** Whether a status says that the request was not understood; without a status the error itself says so. */
export function isEvidence(status: number | undefined): boolean {
  if (status === undefined || status < 300) return true;
  return status >= 400 && status < 500 && !NO_EVIDENCE.has(status);
}

/** @see isEvidence */
export function isEraEvidence({ status }: JsonRpcErrorEvent): boolean {
  return isEvidence(status);
}

/** Whether a new connection can take the place of one that ended or went silent. */
export function isRestartable(over: Carrier): boolean {
  return over === "stdio";
}

/** Remembers that `initialize` did not work, HTTP+SSE apart. */
export function noted(negotiation: Negotiation, refusal: Refusal): Negotiation {
  const refusedRevisions = [...negotiation.refusedRevisions, refusal.revision];
  return { ...negotiation, refusedRevisions, refusal };
}

/** `initialize` was refused where Streamable HTTP would be: HTTP+SSE is what is left. */
export function giveUpOrTrySse(negotiation: Negotiation, refusal: Refusal): Negotiation {
  const { setup, sseFailed } = negotiation;
  if (setup.carrier !== "http" || sseFailed || !TRY_SSE.has(refusal.status)) {
    return failed(negotiation, refusal.error);
  }
  return {
    ...negotiation,
    initializeCorrected: false,
    step: initializeStep(refusal.revision, "sse", true),
  };
}
