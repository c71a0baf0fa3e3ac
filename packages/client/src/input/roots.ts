import { isRoot, type ListRootsResult, type Root } from "@backplane/protocol";
import type { InputHandlers, InputRequestContext } from "../input-handlers.ts";
import { handlerFault, RefusedQuestion, runHandler } from "./question.ts";

/** A step up, plain or encoded: where such a root begins is not where it seems to (spec: client/roots). */
const STEP_UP = /(?:^|[/\\])(?:\.|%2e){2}(?=[/\\?#]|$)/i;

/** What is wrong with a list of roots; undefined for nothing. */
export function rootsFault(roots: unknown): string | undefined {
  if (!Array.isArray(roots)) return "must be a list of roots";
  const wrong = roots.findIndex((root) => !isRoot(root) || STEP_UP.test(root.uri));
  return wrong === -1
    ? undefined
    : `must hold file:// URIs without "..": [${wrong}] is something else`;
}

/**
 * Tells the roots.
 * @throws {RefusedQuestion} when this client has none to tell.
 * @throws {MCPClientError} `input_refused` when the handler fails or gives something else.
 */
export async function answerRoots(
  roots: InputHandlers["roots"],
  context: InputRequestContext,
): Promise<ListRootsResult> {
  if (roots === undefined) {
    throw new RefusedQuestion("no_handler", "roots/list: there is no handlers.roots");
  }
  if (typeof roots !== "function") return { roots };
  const answer: readonly Root[] = await runHandler("roots", context, () => roots(context));
  const fault = rootsFault(answer);
  if (fault !== undefined) throw handlerFault("roots", fault);
  return { roots: answer };
}
