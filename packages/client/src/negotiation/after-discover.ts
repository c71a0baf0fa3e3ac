import { ErrorCode, LATEST_LEGACY_REVISION, type LegacyRevision } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import {
  bestLegacy,
  bestModern,
  discoverStep,
  failed,
  giveUpOrTrySse,
  initializeStep,
  isEraEvidence,
  isEvidence,
  isRestartable,
  outOfPlace,
  settled,
  supportedIn,
  unsupported,
} from "./outcomes.ts";
import type {
  DiscoverStep,
  Failure,
  JsonRpcErrorEvent,
  Negotiation,
  NegotiationEvent,
} from "./types.ts";

/** What follows from the answer to `server/discover`, or from its absence. */
export function afterDiscover(
  negotiation: Negotiation,
  step: DiscoverStep,
  event: NegotiationEvent,
): Negotiation {
  switch (event.kind) {
    case "discovered": {
      const revision = bestModern(negotiation, event.supportedVersions);
      return revision === undefined
        ? legacyOffer(negotiation, step, event.supportedVersions)
        : settled(negotiation, revision, step.over);
    }
    case "error":
      return afterError(negotiation, step, event);
    case "http-failure":
      return isEvidence(event.error.status)
        ? fallBack(negotiation, step, event.error)
        : failed(negotiation, event.error);
    case "unusable":
      return fallBack(negotiation, step, event.error);
    case "timeout":
      // Over HTTP silence is no evidence: what was slow once would be given up for good.
      return step.over === "http"
        ? failed(negotiation, event.error)
        : fallBack(negotiation, step, event.error, isRestartable(step.over));
    case "closed":
      return isRestartable(step.over)
        ? fallBack(negotiation, step, event.error, true)
        : failed(negotiation, event.error);
    case "fatal":
      return failed(negotiation, event.error);
    case "initialized":
      return outOfPlace(negotiation, event.kind);
  }
}

/** Only −32022 that lists versions proves a modern server: legacy ones use the codes beside it. */
function afterError(
  before: Negotiation,
  step: DiscoverStep,
  event: JsonRpcErrorEvent,
): Negotiation {
  const { error } = event;
  const supported = supportedIn(error);
  if (error.code !== ErrorCode.unsupportedProtocolVersion || supported === undefined) {
    return isEraEvidence(event) ? fallBack(before, step, error) : failed(before, error);
  }
  const negotiation = { ...before, proven: true };
  const revision = bestModern(negotiation, supported);
  if (revision === undefined) return legacyOffer(negotiation, step, supported, error);
  // One correction, even where the server lists what it refused: a second would go round in circles.
  if (negotiation.discoverCorrected) {
    return failed(negotiation, unsupported(negotiation, supported, error));
  }
  return {
    ...negotiation,
    discoverCorrected: true,
    reused: true,
    step: discoverStep(revision, step.over, false),
  };
}

/** A server without a modern revision in common may list legacy ones, which `initialize` settles. */
function legacyOffer(
  negotiation: Negotiation,
  step: DiscoverStep,
  supported: readonly string[],
  cause?: Failure,
): Negotiation {
  const revision = bestLegacy(negotiation, supported);
  const mismatch = unsupported(negotiation, supported, cause);
  return revision === undefined
    ? failed(negotiation, mismatch)
    : toInitialize(negotiation, step, revision, mismatch, false);
}

/** As far as one can see, the server is not modern. */
function fallBack(
  negotiation: Negotiation,
  step: DiscoverStep,
  error: Failure,
  freshConnection = false,
): Negotiation {
  if (negotiation.proven) return failed(negotiation, error);
  if (negotiation.setup.protocol === "auto") {
    return toInitialize(negotiation, step, LATEST_LEGACY_REVISION, error, freshConnection);
  }
  // What a server says of a method that it never heard of means little to who insists on a revision.
  return failed(
    negotiation,
    MCPClientError.isInstance(error) ? error : unsupported(negotiation, undefined, error),
  );
}

function toInitialize(
  negotiation: Negotiation,
  step: DiscoverStep,
  revision: LegacyRevision,
  error: Failure,
  freshConnection: boolean,
): Negotiation {
  const { refusal, refusedRevisions, proven } = negotiation;
  if (refusal !== undefined && refusedRevisions.includes(revision)) {
    return proven ? failed(negotiation, error) : giveUpOrTrySse(negotiation, refusal);
  }
  return {
    ...negotiation,
    reused: !freshConnection,
    step: initializeStep(revision, step.over, freshConnection),
  };
}
