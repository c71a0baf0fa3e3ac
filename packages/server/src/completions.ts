import type { CompleteResult, RequestContext } from "@backplane/protocol";

/** What the user has typed and chosen so far. */
export interface CompletionRequest {
  readonly value: string;
  /** Arguments already chosen, by name. */
  readonly chosen: Readonly<Record<string, string>>;
}

/** The values found: all of them, or some of them with the protocol's own count of the rest. */
export type Completion = readonly string[] | CompleteResult["completion"];

/** Suggests values for one argument. At most 100 are sent; the rest is counted. */
export type Completer = (
  request: CompletionRequest,
  context: RequestContext,
) => Completion | Promise<Completion>;

/** The specification's limit (server/utilities/completion). */
const MAX_COMPLETION_VALUES = 100;

/** The result for the values that a completer found. */
export function toCompletion(found: Completion): CompleteResult["completion"] {
  if (isList(found)) {
    return {
      values: found.slice(0, MAX_COMPLETION_VALUES),
      total: found.length,
      hasMore: found.length > MAX_COMPLETION_VALUES,
    };
  }
  if (found.values.length <= MAX_COMPLETION_VALUES) return found;
  return { ...found, values: found.values.slice(0, MAX_COMPLETION_VALUES), hasMore: true };
}

function isList(found: Completion): found is readonly string[] {
  return Array.isArray(found);
}
