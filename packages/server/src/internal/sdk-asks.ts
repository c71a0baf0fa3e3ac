import {
  type ElicitAsk,
  ErrorCode,
  type InputContext,
  isJsonObject,
  type JsonRpcRequest,
  MCPError,
  methodNotFound,
  type SampleParams,
} from "@backplane/protocol";
import type { Call } from "../call.ts";
import type { HostedCall } from "./sdk-link.ts";

type Params = Readonly<Record<string, unknown>>;

interface Ask {
  /** With its place among the call's questions, the key of this one. */
  readonly keyPrefix: string;
  readonly ask: (context: InputContext, key: string, params: Params) => Promise<object>;
}

/** What a hosted server may ask of a client, and how Backplane asks it. */
const ASKS: ReadonlyMap<string, Ask> = new Map<string, Ask>([
  [
    "elicitation/create",
    {
      keyPrefix: "elicitation",
      ask: (context, key, params) => context.elicit(key, toElicitAsk(params)),
    },
  ],
  [
    "sampling/createMessage",
    {
      keyPrefix: "sampling",
      ask: (context, key, { _meta, task, ...params }) =>
        context.sample(key, params as unknown as SampleParams),
    },
  ],
  [
    "roots/list",
    { keyPrefix: "roots", ask: async (context, key) => ({ roots: await context.roots(key) }) },
  ],
]);

/**
 * Passes a question of the hosted server on to the client whose call it belongs to. Its key is its place
 * among the call's questions. In the modern era an unanswered one ends the hosted call: the client
 * sends its request again, and the hosted handler runs again from the top.
 * @throws {MCPError} −32601 for any other request, and what the client or its lack of a capability refuses.
 */
export async function askClient(
  { method, params = {} }: JsonRpcRequest,
  call: HostedCall,
): Promise<object> {
  const row = ASKS.get(method);
  const { input } = call;
  if (row === undefined || input === undefined) throw methodNotFound(method);
  try {
    return await row.ask(input, `${row.keyPrefix}-${call.nextAsk()}`, params);
  } catch (error) {
    // The handler is told to stop before it hears that its question failed.
    if (isOpen(input)) call.abort(error);
    throw error;
  }
}

/**
 * Error −32042 asks the client to have pages opened and to send its request again. That is what the
 * modern era, which must not see that code, does with an unanswered question (2025-11-25, client/elicitation).
 */
export async function askForUrls(error: unknown, context: InputContext): Promise<void> {
  if (!MCPError.isInstance(error) || error.code !== ErrorCode.legacyUrlElicitationRequired) return;
  if (context.era !== "modern" || !isJsonObject(error.data)) return;
  const { elicitations } = error.data;
  if (!Array.isArray(elicitations)) return;
  await Promise.all(
    elicitations.map((elicitation, index) =>
      context.elicit(`url-${index + 1}`, toElicitAsk({ ...elicitation, mode: "url" })),
    ),
  );
}

function toElicitAsk({ mode, message, url, requestedSchema }: Params): ElicitAsk {
  const asked = mode === "url" ? { message, url } : { message, schema: requestedSchema };
  // What it holds is checked where every ask is checked.
  return asked as unknown as ElicitAsk;
}

/** Whether the run has asked what its client has not answered: its outcome no longer matters. */
function isOpen(context: InputContext): boolean {
  return (context as Call).inputRound?.open === true;
}
