import {
  type ClientCapabilities,
  type Clock,
  clip,
  invalidParams,
  isJsonObject,
  type JsonObject,
  type JsonRpcRequest,
  type Logger,
  MCPError,
  methodNotFound,
} from "@backplane/protocol";
import { MCPClientError } from "./errors.ts";
import { answerElicit } from "./input/elicit.ts";
import { RefusedQuestion } from "./input/question.ts";
import { answerRoots } from "./input/roots.ts";
import { type AskedInput, type RoundLimits, readRound } from "./input/round.ts";
import { answerSample } from "./input/sample.ts";
import { createUrlGate } from "./input/url-gate.ts";
import type { InputHandlers, InputRequestContext } from "./input-handlers.ts";
import { keepAwake } from "./internal/wait-awake.ts";
import type { Link } from "./link.ts";

/** What a request is sent again with, and when. */
export interface InputRound {
  /** `inputResponses` and `requestState`: the members to add to the request's own params. */
  readonly params: JsonObject;
  /** 0 when questions were answered; a server that asked none only wants the request later. */
  readonly delayMs: number;
}

/** One set of handlers behind the questions of both eras. */
export interface InputResponder {
  /** What the handlers can be asked, as it is declared to the server. */
  readonly capabilities: ClientCapabilities;
  /**
   * Answers the questions of an `input_required` result (spec: patterns/mrtr).
   * @param round 1 for the request's first.
   * @throws {MCPClientError} `invalid_response` for what a server may not ask, `input_refused` where no handler
   * answers or one fails, `aborted` or `closed` when nobody waits any more.
   */
  answerRound(
    method: string,
    result: JsonObject,
    round: number,
    signal: AbortSignal,
  ): Promise<InputRound>;
  /**
   * Answers a legacy server's own request.
   * @param method the request that it belongs to, where that is known.
   * @throws {MCPError} what the server is to be told. @throws {MCPClientError} what it must not see.
   */
  answerServerRequest(
    request: JsonRpcRequest,
    method: string | undefined,
    signal: AbortSignal,
  ): Promise<object>;
  /**
   * Legacy, −32042: has the user open the URLs that the server wants opened first (2025-11-25,
   * client/elicitation), and waits for its word that they are done with, for two minutes at most.
   * @returns whether the request is worth repeating: false where nobody can be asked, or somebody said no.
   */
  openRequiredUrls(method: string, error: MCPError, signal: AbortSignal): Promise<boolean>;
  /** Legacy: `notifications/elicitation/complete` came. Unknown ids are ignored. */
  elicitationCompleted(params: JsonObject): void;
  /**
   * Tells a legacy server that the roots have changed. A modern one asks anew with each request.
   * @throws {MCPClientError} `not_supported` unless `handlers.roots` is a function.
   */
  rootsChanged(link: Link | undefined): Promise<void>;
}

/** What the answers need beside the handlers. */
export interface InputResponderDependencies {
  /** The server that asks, as it describes itself. */
  serverName(): string | undefined;
  readonly logger: Logger;
  readonly clock: Pick<Clock, "after">;
  /** Fires when the client closes: no answer is wanted any more. */
  readonly closing?: AbortSignal;
  readonly limits: RoundLimits;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

/** How long a request waits that its server only wants later: doubles with each round. */
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;

/** Puts one set of checked handlers behind the questions of both eras. */
export function createInputResponder(
  handlers: InputHandlers,
  dependencies: InputResponderDependencies,
): InputResponder {
  const { clock, logger, limits, serverName, closing, random = Math.random } = dependencies;
  const capabilities = capabilitiesOf(handlers);
  const listsChange = typeof handlers.roots === "function";

  const contextFor = (
    method: string | undefined,
    ...signals: AbortSignal[]
  ): InputRequestContext => ({
    // A signal for each question: many handlers that listen to one are a leak in the eyes of Node.
    signal: AbortSignal.any(closing === undefined ? signals : [...signals, closing]),
    serverName: serverName(),
    method,
  });
  const answer = async (
    { method, params }: Pick<AskedInput, "method" | "params">,
    context: InputRequestContext,
  ): Promise<object> => {
    switch (method) {
      case "elicitation/create":
        return answerElicit(params, handlers.elicit, context);
      case "sampling/createMessage":
        return answerSample(params, handlers, context);
      default:
        return answerRoots(handlers.roots, context);
    }
  };
  const urlGate = createUrlGate(handlers.elicit?.url, { clock: keepAwake(clock), logger });

  return {
    capabilities,
    answerRound: async (method, result, round, signal) => {
      const { asked, requestState } = readRound(method, result, limits);
      const state = requestState === undefined ? {} : { requestState };
      if (asked.length === 0) {
        const capMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (round - 1));
        return { params: state, delayMs: (0.5 + random() / 2) * capMs };
      }
      // The first failure is the request's: what the others would still ask a person is in vain.
      const others = new AbortController();
      try {
        const answers = await Promise.all(
          asked.map(async (one) => {
            const context = contextFor(method, signal, others.signal);
            return [one.key, await answer(one, context)] as const;
          }),
        );
        // Not assignment: a question named `__proto__` must stay one.
        const inputResponses = Object.fromEntries(answers) as JsonObject;
        return { params: { inputResponses, ...state }, delayMs: 0 };
      } catch (error) {
        others.abort(error);
        throw error instanceof RefusedQuestion ? refusedRound(method, error) : error;
      }
    },
    answerServerRequest: async ({ method, params }, waiting, signal) => {
      if (method === "ping") return {};
      if (!SERVED.has(method)) throw methodNotFound(method);
      try {
        return await answer({ method, params }, contextFor(waiting, signal));
      } catch (error) {
        if (error instanceof RefusedQuestion) throw refusedRequest(method, error);
        // A handler may say no in the server's own words, such as −1 for a sampling that the user rejects.
        if (MCPClientError.isInstance(error) && MCPError.isInstance(error.cause)) throw error.cause;
        throw error;
      }
    },
    openRequiredUrls: (method, { data }, signal) => {
      const elicitations = isJsonObject(data) ? data.elicitations : undefined;
      return urlGate.open(elicitations, () => contextFor(method, signal));
    },
    elicitationCompleted: ({ elicitationId }) => urlGate.completed(elicitationId),
    rootsChanged: async (link) => {
      if (!listsChange) {
        throw new MCPClientError(
          "not_supported",
          "roots can change only where handlers.roots is a function",
        );
      }
      if (link?.era === "legacy") await link.notify("notifications/roots/list_changed");
    },
  };
}

const SERVED: ReadonlySet<string> = new Set([
  "elicitation/create",
  "sampling/createMessage",
  "roots/list",
]);

function capabilitiesOf({ elicit, sample, sampleTools, roots }: InputHandlers): ClientCapabilities {
  const modes = {
    ...(elicit?.form !== undefined && { form: {} }),
    ...(elicit?.url !== undefined && { url: {} }),
  };
  return {
    ...(Object.keys(modes).length > 0 && { elicitation: modes }),
    ...(sample !== undefined && { sampling: sampleTools === true ? { tools: {} } : {} }),
    ...(roots !== undefined && { roots: typeof roots === "function" ? { listChanged: true } : {} }),
  };
}

/** The server asked what was not declared, or broke the rules: either way the request cannot go on. */
function refusedRound(method: string, { reason, message }: RefusedQuestion): MCPClientError {
  return new MCPClientError(
    reason === "malformed" ? "invalid_response" : "input_refused",
    `${method}: the server asks for input: ${clip(message, 400)}`,
  );
}

/** −32601 for what this client never answers, −32602 for what it does not answer like this. */
function refusedRequest(method: string, { reason, message }: RefusedQuestion): MCPError {
  return reason === "no_handler" ? methodNotFound(method) : invalidParams(clip(message, 400));
}
