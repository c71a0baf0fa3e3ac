import {
  codecFor,
  isJsonObject,
  type JsonObject,
  LATEST_MODERN_REVISION,
} from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";

/** One question of a round. */
export interface AskedInput {
  readonly key: string;
  readonly method: string;
  readonly params: unknown;
}

/** What an `input_required` result asks for. */
export interface AskedRound {
  readonly asked: readonly AskedInput[];
  /** To be sent back byte by byte, and never looked into (spec: patterns/mrtr). */
  readonly requestState: string | undefined;
}

/** Bounds of one round. */
export interface RoundLimits {
  /** Questions in one round. */
  readonly maxInputRequests: number;
  /** Characters of `requestState`, which rides on every further round. */
  readonly maxRequestStateLength: number;
}

const METHODS = codecFor(LATEST_MODERN_REVISION).methods;
const QUESTIONS: ReadonlySet<unknown> = new Set([
  "elicitation/create",
  "sampling/createMessage",
  "roots/list",
]);

/**
 * Reads an `input_required` result, which a server may fill with anything (spec: patterns/mrtr).
 * @throws {MCPClientError} `invalid_response` that says what of it is not allowed.
 */
export function readRound(method: string, result: JsonObject, limits: RoundLimits): AskedRound {
  if (METHODS.get(method)?.mayAsk !== true) throw invalid(method, "may not ask for input");
  const { inputRequests, requestState } = result;
  if (inputRequests === undefined && requestState === undefined) {
    throw invalid(method, "holds neither inputRequests nor requestState");
  }
  if (requestState !== undefined && typeof requestState !== "string") {
    throw invalid(method, "holds a requestState that is no string");
  }
  if (requestState !== undefined && requestState.length > limits.maxRequestStateLength) {
    throw invalid(
      method,
      `holds a requestState of more than ${limits.maxRequestStateLength} characters`,
    );
  }
  return { asked: readRequests(method, inputRequests, limits.maxInputRequests), requestState };
}

function readRequests(method: string, requests: unknown, most: number): readonly AskedInput[] {
  if (requests === undefined) return [];
  if (!isJsonObject(requests)) throw invalid(method, "holds inputRequests that are no object");
  const entries = Object.entries(requests);
  if (entries.length > most) throw invalid(method, `asks more than ${most} questions`);
  return entries.map(([key, request]) => {
    if (!isJsonObject(request) || !QUESTIONS.has(request.method)) {
      throw invalid(method, "asks for something else than elicitation, sampling or roots");
    }
    return { key, method: request.method as string, params: request.params };
  });
}

function invalid(method: string, fault: string): MCPClientError {
  return new MCPClientError("invalid_response", `${method}: the input_required result ${fault}`);
}
