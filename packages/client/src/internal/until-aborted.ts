import { abortListener, unwatchAbort, watchAbort } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";

/** Settles as `promise` does, or rejects as soon as the signal fires. */
export function untilAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const listener = abortListener(() => reject(abortError(signal)));
    if (signal.aborted) listener.onAbort();
    else watchAbort(signal, listener);
    promise.then(resolve, reject).finally(() => unwatchAbort(signal, listener));
  });
}

/** Why a fired signal ends what waited: its own reason, where that is one of ours. */
export function abortError({ reason }: AbortSignal): MCPClientError {
  if (MCPClientError.isInstance(reason)) return reason;
  return new MCPClientError("aborted", "nobody waits for it any more", { cause: reason });
}
