import { eraOf, isModernRevision, LATEST_MODERN_REVISION } from "@backplane/protocol";
import { afterDiscover } from "./after-discover.ts";
import { afterInitialize } from "./after-initialize.ts";
import { discoverStep, initializeStep } from "./outcomes.ts";
import type { Carrier, Negotiation, NegotiationEvent, NegotiationSetup } from "./types.ts";

/** The first step: what worked before, or the modern probe (spec: basic/versioning). */
export function beginNegotiation(setup: NegotiationSetup): Negotiation {
  const { carrier, protocol } = setup;
  const pinned = protocol === "auto" ? undefined : protocol;
  const believed =
    pinned === undefined || eraOf(pinned) === setup.verdict?.era ? setup.verdict : undefined;
  const revision = pinned ?? believed?.revision ?? LATEST_MODERN_REVISION;
  const over: Carrier = believed?.transport === "sse" && carrier === "http" ? "sse" : carrier;
  return {
    step: isModernRevision(revision)
      ? discoverStep(revision, carrier, false)
      : initializeStep(revision, over, false),
    setup,
    believing: believed?.era === "legacy",
    proven: false,
    discoverCorrected: false,
    initializeCorrected: false,
    refreshed: false,
    reused: false,
    refusedRevisions: [],
    refusal: undefined,
    sseFailed: false,
  };
}

/**
 * The state after an event (spec: basic/versioning, transports/stdio, transports/streamable-http). Pure:
 * every sequence of events ends in `settled` or `failed` after a bounded number of steps.
 */
export function advance(negotiation: Negotiation, event: NegotiationEvent): Negotiation {
  const { step } = negotiation;
  if (step.kind === "discover") return afterDiscover(negotiation, step, event);
  if (step.kind === "initialize") return afterInitialize(negotiation, step, event);
  return negotiation;
}
