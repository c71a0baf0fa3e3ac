import {
  ErrorCode,
  isLegacyRevision,
  LATEST_MODERN_REVISION,
  type LegacyRevision,
} from "@backplane/protocol";
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
  noted,
  outOfPlace,
  settled,
  supportedIn,
  unsupported,
} from "./outcomes.ts";
import type {
  Failure,
  InitializeStep,
  JsonRpcErrorEvent,
  Negotiation,
  NegotiationEvent,
  Refusal,
} from "./types.ts";

/** What follows from the answer to `initialize`, or from its absence. */
export function afterInitialize(
  negotiation: Negotiation,
  step: InitializeStep,
  event: NegotiationEvent,
): Negotiation {
  switch (event.kind) {
    case "initialized": {
      const { protocolVersion } = event;
      const { protocol } = negotiation.setup;
      const accepted = protocol === "auto" || protocol === protocolVersion;
      // A client that cannot speak what the server offers disconnects (2025-11-25, basic/lifecycle).
      return accepted && isLegacyRevision(protocolVersion)
        ? settled(negotiation, protocolVersion, step.over)
        : failed(negotiation, unsupported(negotiation, [protocolVersion]));
    }
    case "error":
      return afterError(negotiation, step, event);
    case "http-failure":
      return isEvidence(event.error.status)
        ? refused(negotiation, step, event.error, event.error.status)
        : failed(negotiation, event.error);
    case "unusable":
      return refused(negotiation, step, event.error, undefined);
    case "timeout":
    case "closed":
      return isRestartable(step.over)
        ? refused(negotiation, step, event.error, undefined, true)
        : failed(negotiation, event.error);
    case "fatal":
      return failed(negotiation, event.error);
    case "discovered":
      return outOfPlace(negotiation, event.kind);
  }
}

function afterError(
  negotiation: Negotiation,
  step: InitializeStep,
  event: JsonRpcErrorEvent,
): Negotiation {
  const { error, status } = event;
  const supported = supportedIn(error);
  if (supported === undefined) {
    return isEraEvidence(event)
      ? refused(negotiation, step, error, status)
      : failed(negotiation, error);
  }
  const refusal: Refusal = { revision: step.revision, error, status };
  const proof = error.code === ErrorCode.unsupportedProtocolVersion && step.over !== "sse";
  const modern = proof ? bestModern(negotiation, supported) : undefined;
  if (modern !== undefined && !negotiation.proven) {
    return {
      ...noted(negotiation, refusal),
      believing: false,
      proven: true,
      // This is the correction.
      discoverCorrected: true,
      reused: true,
      step: discoverStep(modern, step.over, false),
    };
  }
  const legacy = bestLegacy(negotiation, supported);
  const isNew =
    legacy !== step.revision && !negotiation.refusedRevisions.includes(legacy as LegacyRevision);
  if (legacy !== undefined && isNew && !negotiation.initializeCorrected) {
    return {
      ...(step.over === "sse" ? negotiation : noted(negotiation, refusal)),
      initializeCorrected: true,
      reused: true,
      step: initializeStep(legacy, step.over, false),
    };
  }
  return mayStartOver(negotiation, step)
    ? startOver(negotiation, step, refusal, false)
    : failed(negotiation, unsupported(negotiation, supported, error));
}

/** @param ended the connection is gone, or nobody answers on it. */
function refused(
  negotiation: Negotiation,
  step: InitializeStep,
  error: Failure,
  status: number | undefined,
  ended = false,
): Negotiation {
  // Some legacy servers end after an unknown first message, or refuse all that follows it.
  if (isRestartable(step.over) && negotiation.reused && !negotiation.refreshed) {
    return {
      ...negotiation,
      refreshed: true,
      reused: false,
      step: initializeStep(step.revision, step.over, true),
    };
  }
  const refusal: Refusal = { revision: step.revision, error, status };
  if (mayStartOver(negotiation, step)) return startOver(negotiation, step, refusal, ended);
  if (step.over !== "sse") return giveUpOrTrySse(noted(negotiation, refusal), refusal);
  return failed(negotiation, nothingThere(negotiation.refusal, error));
}

/** Whether what failed was a verdict's word and not the server's, and there is something else to begin with. */
function mayStartOver({ believing, setup }: Negotiation, { over }: InitializeStep): boolean {
  return believing && (setup.protocol === "auto" || over === "sse");
}

/** The verdict does not hold any more: the negotiation begins as if there had been none. */
function startOver(
  negotiation: Negotiation,
  step: InitializeStep,
  refusal: Refusal,
  ended: boolean,
): Negotiation {
  const { carrier, protocol } = negotiation.setup;
  const overSse = step.over === "sse";
  return {
    ...(overSse ? { ...negotiation, sseFailed: true } : noted(negotiation, refusal)),
    believing: false,
    reused: !ended && !overSse,
    step:
      protocol === "auto"
        ? discoverStep(LATEST_MODERN_REVISION, carrier, ended || overSse)
        : initializeStep(step.revision, carrier, true),
  };
}

/** Both ways to open a legacy session failed: the first refusal says more, the second is its cause. */
function nothingThere(first: Refusal | undefined, error: Failure): Failure {
  const both = MCPClientError.isInstance(first?.error) && MCPClientError.isInstance(error);
  if (!both) return error;
  const { code, message, retry, status, details } = first.error;
  const text = `${message}; nor is there an HTTP+SSE stream (2024-11-05): ${error.message}`;
  return new MCPClientError(code, text, { cause: error, retry, status, details });
}
