import { type Clock, isJsonObject, type Logger } from "@backplane/protocol";
import type { InputHandlers, InputRequestContext } from "../input-handlers.ts";
import { untilAborted } from "../internal/until-aborted.ts";
import { answerUrl, isElicitationId, readUrlQuestion } from "./elicit.ts";
import { RefusedQuestion } from "./question.ts";

/** How long a server has to say that a URL is done with: its word need not come (2025-11-25, client/elicitation). */
const COMPLETION_MS = 120_000;

/** URLs that an error may name; each is a question to a person. */
const MAX_URLS = 16;

/** Has the user open what a server wants opened before it serves a request. */
export interface UrlGate {
  /**
   * Asks for consent to each URL and waits until the server has said that all are done with.
   * @param context makes what one question's handler is told.
   * @returns false where nobody can be asked, the server names none or bad ones, or somebody said no.
   * @throws {MCPClientError} when the handler fails, or nobody waits any more.
   */
  open(elicitations: unknown, context: () => InputRequestContext): Promise<boolean>;
  /** The server's word for one of them. */
  completed(elicitationId: unknown): void;
}

/** Makes the gate of one client. */
export function createUrlGate(
  handler: NonNullable<InputHandlers["elicit"]>["url"],
  { clock, logger }: { readonly clock: Pick<Clock, "after">; readonly logger: Logger },
): UrlGate {
  const waiting = new Map<string, Set<() => void>>();

  /** Resolves when the server says so, or when it had time enough to. */
  const completion = (id: string, signal: AbortSignal): { done: Promise<void>; stop(): void } => {
    let settle = (): void => {};
    const done = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const all = waiting.get(id) ?? new Set();
    waiting.set(id, all.add(settle));
    const cancel = clock.after(COMPLETION_MS, settle);
    const stop = (): void => {
      cancel();
      all.delete(settle);
      if (all.size === 0 && waiting.get(id) === all) waiting.delete(id);
    };
    const heard = untilAborted(signal, done);
    // Nobody looks at it while the handlers still run.
    heard.catch(() => {});
    return { done: heard, stop };
  };

  return {
    open: async (elicitations, contextFor) => {
      if (handler === undefined) return false;
      const asked = readAll(elicitations);
      if (asked === undefined) {
        logger.warn({}, "a server wants URLs opened and names none that could be");
        return false;
      }
      const questions = asked.map((one) => {
        const context = contextFor();
        // Before anybody is asked: the word may come while the handler still runs.
        return {
          one,
          context,
          completion: completion(one.elicitationId as string, context.signal),
        };
      });
      try {
        const answers = await Promise.all(
          questions.map(({ one, context }) => answerUrl({ ...one }, handler, context)),
        );
        if (answers.some(({ action }) => action !== "accept")) return false;
        await Promise.all(questions.map((question) => question.completion.done));
        return true;
      } finally {
        for (const question of questions) question.completion.stop();
      }
    },
    completed: (id) => {
      if (!isElicitationId(id)) return;
      for (const settle of waiting.get(id) ?? []) settle();
    },
  };
}

/** The questions of an error's `data`; undefined unless all of them are URLs with an id. */
function readAll(elicitations: unknown): readonly ReturnType<typeof readUrlQuestion>[] | undefined {
  if (!Array.isArray(elicitations) || elicitations.length === 0) return undefined;
  if (elicitations.length > MAX_URLS) return undefined;
  try {
    const asked = elicitations.map((one) => readUrlQuestion(isJsonObject(one) ? one : {}));
    return asked.every(({ elicitationId }) => elicitationId !== undefined) ? asked : undefined;
  } catch (error) {
    if (error instanceof RefusedQuestion) return undefined;
    throw error;
  }
}
