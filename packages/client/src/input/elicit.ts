import {
  type ElicitFormParams,
  type ElicitResult,
  type ElicitUrlParams,
  isJsonObject,
  isLoopbackHost,
} from "@backplane/protocol";
import type { InputHandlers, InputRequestContext } from "../input-handlers.ts";
import { readForm } from "./form.ts";
import { handlerFault, RefusedQuestion, runHandler } from "./question.ts";

const ACTIONS: ReadonlySet<unknown> = new Set(["accept", "decline", "cancel"]);
/** What shows as nothing, or as something else: in a URL it can only mislead the one who reads it. */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Z}]/u;
const MAX_ELICITATION_ID_LENGTH = 1024;

/**
 * Asks the user, in either mode. Absent `mode` is a form (spec: client/elicitation).
 * @throws {RefusedQuestion} for what may not be asked, or not of this client.
 * @throws {MCPClientError} `input_refused` when the handler fails or its answer does not fit the question.
 */
export function answerElicit(
  params: unknown,
  handlers: InputHandlers["elicit"],
  context: InputRequestContext,
): Promise<ElicitResult> {
  if (handlers?.form === undefined && handlers?.url === undefined) {
    throw new RefusedQuestion(
      "no_handler",
      "elicitation/create: there is no handlers.elicit.form and no handlers.elicit.url",
    );
  }
  if (!isJsonObject(params) || typeof params.message !== "string") {
    throw malformed('"message" must be a string');
  }
  switch (params.mode ?? "form") {
    case "form":
      return answerForm(params, handlers.form, context);
    case "url":
      return answerUrl(params, handlers.url, context);
    default:
      throw new RefusedQuestion("no_mode", "elicitation/create: the mode is neither form nor url");
  }
}

/**
 * Asks for consent to open a URL, which nothing here opens or fetches. The handler gets it in its one parsed
 * form, with an international host in punycode, so that what is shown is where it leads.
 */
export async function answerUrl(
  params: Record<string, unknown>,
  handler: NonNullable<InputHandlers["elicit"]>["url"],
  context: InputRequestContext,
): Promise<ElicitResult> {
  if (handler === undefined) throw noMode("url");
  const asked = readUrlQuestion(params);
  const answer = await runHandler("elicit.url", context, () => handler(asked, context));
  return readAction("elicit.url", answer);
}

/** @throws {RefusedQuestion} for a URL that nobody may be asked to open. */
export function readUrlQuestion(params: Record<string, unknown>): ElicitUrlParams {
  const { url, elicitationId, message, _meta } = params;
  if (typeof message !== "string") throw malformed('"message" must be a string');
  if (typeof url !== "string" || UNSHOWABLE.test(url) || !URL.canParse(url)) {
    throw malformed('"url" must be a URL');
  }
  const parsed = new URL(url);
  const secure =
    parsed.protocol === "https:" ||
    (parsed.protocol === "http:" && isLoopbackHost(parsed.hostname));
  if (!secure) throw malformed('"url" must be https, or http on a loopback host');
  // `https://bank.example@evil.example` reads as one host and leads to another.
  if (parsed.username !== "" || parsed.password !== "") {
    throw malformed('"url" must not hold credentials');
  }
  if (elicitationId !== undefined && !isElicitationId(elicitationId)) {
    throw malformed(
      `"elicitationId" must be a string of at most ${MAX_ELICITATION_ID_LENGTH} characters`,
    );
  }
  return {
    mode: "url",
    message,
    url: parsed.href,
    ...(elicitationId !== undefined && { elicitationId }),
    ...(isJsonObject(_meta) && { _meta }),
  };
}

export function isElicitationId(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_ELICITATION_ID_LENGTH;
}

async function answerForm(
  params: Record<string, unknown>,
  handler: NonNullable<InputHandlers["elicit"]>["form"],
  context: InputRequestContext,
): Promise<ElicitResult> {
  if (handler === undefined) throw noMode("form");
  const form = readForm(params.requestedSchema);
  const asked: ElicitFormParams = {
    mode: "form",
    message: params.message as string,
    requestedSchema: params.requestedSchema as Record<string, unknown>,
    ...(isJsonObject(params._meta) && { _meta: params._meta }),
  };
  const answer = await runHandler("elicit.form", context, () => handler(asked, context));
  const result = readAction("elicit.form", answer);
  if (result.action !== "accept") return result;
  const { content = {} } = answer;
  if (!isJsonObject(content)) {
    throw handlerFault("elicit.form", "accepted with content that is no object");
  }
  const completed = form.complete(content);
  const faults = form.faults(completed);
  if (faults.length > 0) {
    throw handlerFault(
      "elicit.form",
      `accepted with content that does not fit the form: ${faults.join("; ")}`,
    );
  }
  return { ...result, content: completed };
}

function readAction(handler: string, answer: unknown): ElicitResult {
  if (!isJsonObject(answer) || !ACTIONS.has(answer.action)) {
    throw handlerFault(handler, "must answer with the action accept, decline or cancel");
  }
  const action = answer.action as ElicitResult["action"];
  return isJsonObject(answer._meta) ? { action, _meta: answer._meta } : { action };
}

function noMode(mode: "form" | "url"): RefusedQuestion {
  return new RefusedQuestion("no_mode", `elicitation/create: there is no handlers.elicit.${mode}`);
}

function malformed(reason: string): RefusedQuestion {
  return new RefusedQuestion("malformed", `elicitation/create: ${reason}`);
}
