import {
  type ClientCapabilities,
  type ElicitAsk,
  type ElicitFormAsk,
  type ElicitResult,
  type ElicitUrlAsk,
  isAtLeast,
  isJsonObject,
  isLoopbackHost,
  isRoot,
  type JsonSchema,
  missingClientCapability,
  type Revision,
  type Root,
  type StandardSchemaV1,
} from "@backplane/protocol";
import { compileForm } from "./elicit-form.ts";

/** Whom a question goes to, as its request says. */
export interface Asked {
  readonly revision: Revision;
  readonly capabilities: ClientCapabilities;
}

/** What a client's answer turned out to be: its value, or what is wrong with it. */
export type ParsedAnswer<Value> =
  | { readonly value: Value; readonly reason?: undefined }
  | { readonly reason: string };

/** A question in its wire form, and the check of its answer. */
export interface PreparedAsk<Value> {
  readonly method: "elicitation/create" | "sampling/createMessage" | "roots/list";
  readonly params: object;
  parse(answer: unknown): ParsedAnswer<Value> | Promise<ParsedAnswer<Value>>;
}

const ACTIONS: ReadonlySet<unknown> = new Set(["accept", "decline", "cancel"]);

/**
 * @throws {MCPError} −32021 when the client did not declare the mode.
 * @throws {TypeError} for an ask that is malformed; the message names what.
 */
export function prepareElicit(ask: ElicitAsk, asked: Asked): PreparedAsk<ElicitResult> {
  if (typeof ask?.message !== "string" || ask.message === "") {
    throw new TypeError('elicit: "message" must say why the user is asked');
  }
  const isUrl = "url" in ask;
  if (isUrl === "schema" in ask) {
    throw new TypeError('elicit: give either "schema" (a form) or "url"');
  }
  return isUrl
    ? prepareUrl(ask, asked)
    : prepareForm(ask as ElicitFormAsk<StandardSchemaV1 | JsonSchema>, asked);
}

/** @throws {MCPError} −32021 when the client declared no roots. */
export function prepareRoots({ capabilities }: Asked): PreparedAsk<readonly Root[]> {
  if (capabilities.roots === undefined) throw missingClientCapability({ roots: {} });
  return { method: "roots/list", params: {}, parse: parseRoots };
}

function prepareForm(
  { message, schema }: ElicitFormAsk<StandardSchemaV1 | JsonSchema>,
  { revision, capabilities }: Asked,
): PreparedAsk<ElicitResult> {
  const { elicitation } = capabilities;
  // An empty capability means form mode only (spec: client/elicitation).
  const declared =
    elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
  if (!declared || !isAtLeast(revision, "2025-06-18")) {
    throw missingClientCapability({ elicitation: { form: {} } });
  }
  const form = compileForm(schema);
  const requestedSchema = form.schemaFor(revision);
  return {
    method: "elicitation/create",
    // `mode` came with 2025-11-25, where its absence still means a form.
    params: isAtLeast(revision, "2025-11-25")
      ? { mode: "form", message, requestedSchema }
      : { message, requestedSchema },
    parse: async (answer) => {
      const result = parseAction(answer);
      if (result.reason !== undefined || result.value.action !== "accept") return result;
      const { content } = answer as { content?: unknown };
      if (content !== undefined && !isJsonObject(content)) {
        return { reason: "its content is not an object" };
      }
      // A client may leave out the content of a form in which nothing was filled in.
      const outcome = await form.validate(content ?? {});
      if (outcome.issues !== undefined) {
        const issues = outcome.issues.map(({ path, message: text }) =>
          path === "" ? text : `${path}: ${text}`,
        );
        return { reason: `its content does not fit the form: ${issues.join("; ")}` };
      }
      return {
        value: { ...result.value, content: outcome.value as Record<string, unknown> },
      };
    },
  };
}

function prepareUrl(
  { message, url }: ElicitUrlAsk,
  { revision, capabilities }: Asked,
): PreparedAsk<ElicitResult> {
  if (capabilities.elicitation?.url === undefined || !isAtLeast(revision, "2025-11-25")) {
    throw missingClientCapability({ elicitation: { url: {} } });
  }
  checkUrl(url);
  return {
    method: "elicitation/create",
    params: { mode: "url", message, url },
    // Acceptance is consent to open the page; what happened there, only the host knows.
    parse: parseAction,
  };
}

function checkUrl(url: unknown): void {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  const secure =
    parsed?.protocol === "https:" ||
    (parsed?.protocol === "http:" && isLoopbackHost(parsed.hostname));
  if (parsed === undefined || !secure) {
    throw new TypeError('elicit: "url" must be an https: URL, or http: on a loopback host');
  }
  // The client shows, logs and stores the URL: it is no place for a secret (spec: client/elicitation).
  if (parsed.username !== "" || parsed.password !== "") {
    throw new TypeError('elicit: "url" must not hold credentials');
  }
}

function parseAction(answer: unknown): ParsedAnswer<ElicitResult> {
  if (!isJsonObject(answer)) return { reason: "it is not an object" };
  if (!ACTIONS.has(answer.action)) {
    return { reason: "its action is not accept, decline or cancel" };
  }
  const action = answer.action as ElicitResult["action"];
  return {
    value: isJsonObject(answer._meta) ? { action, _meta: answer._meta } : { action },
  };
}

function parseRoots(answer: unknown): ParsedAnswer<readonly Root[]> {
  if (!isJsonObject(answer) || !Array.isArray(answer.roots)) {
    return { reason: "it holds no array of roots" };
  }
  const wrong = answer.roots.findIndex((root) => !isRoot(root));
  return wrong === -1
    ? { value: answer.roots as readonly Root[] }
    : { reason: `roots[${wrong}] is not an object with a file:// URI` };
}
