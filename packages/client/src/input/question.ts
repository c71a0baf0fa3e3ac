import { clip } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { InputRequestContext } from "../input-handlers.ts";
import { abortError, untilAborted } from "../internal/until-aborted.ts";

/**
 * Why a question gets no answer: nobody answers its method, nobody answers this kind of it, or it breaks the
 * rules of what may be asked.
 */
export type RefusalReason = "no_handler" | "no_mode" | "malformed";

/** A question that no handler was asked; each era tells its server so in its own words. */
export class RefusedQuestion extends Error {
  override readonly name: string = "RefusedQuestion";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The failure of a handler of this side, named as the option that holds it. */
export function handlerFault(handler: string, fault: string, cause?: unknown): MCPClientError {
  return new MCPClientError("input_refused", `handlers.${handler} ${fault}`, {
    details: { handler: `handlers.${handler}` },
    ...(cause !== undefined && { cause }),
  });
}

/**
 * Runs a handler. What it throws is told with its name; once nobody wants its answer, nobody waits for it
 * either, whether or not it heeds the signal.
 */
export async function runHandler<Value>(
  handler: string,
  { signal }: InputRequestContext,
  run: () => Value | Promise<Value>,
): Promise<Value> {
  const answer = (async () => run())();
  return untilAborted(signal, answer).catch((thrown: unknown) => {
    if (signal.aborted) throw abortError(signal);
    throw handlerFault(handler, `failed: ${clip(messageOf(thrown), 300)}`, thrown);
  });
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
