import type { Call } from "./call.ts";
import type { InputRound, InputRounds } from "./input-round.ts";
import { createLegacyInputRound } from "./legacy-input-round.ts";
import { createModernInputRound, resumeModernInputRound } from "./modern-input-round.ts";
import type { StateSealer } from "./request-state.ts";

/** What the rounds need of the server. */
export interface InputRoundsDependencies {
  readonly sealer: StateSealer;
  /** The option `deadlines.inputMs`. */
  readonly inputMs: number;
  /** Stops the deadlines of a call that waits for its client. @returns what starts them again. */
  readonly pauseDeadline: (call: Call) => () => void;
}

/** Write-once interaction: one way to ask, served by retries in the modern era and by server requests in the legacy one. */
export function createInputRounds(dependencies: InputRoundsDependencies): InputRounds {
  const { sealer, inputMs, pauseDeadline } = dependencies;
  return {
    open: (call: Call): InputRound => {
      if (call.peer.codec.methods.get(call.method)?.mayAsk !== true) {
        throw new TypeError(
          `${call.method}: only tools/call, prompts/get and resources/read may ask the client for input`,
        );
      }
      return call.peer.codec.answersByRetry
        ? createModernInputRound(call, sealer)
        : createLegacyInputRound(call, { inputMs, pauseDeadline });
    },
    resume: (call: Call): Promise<InputRound> => resumeModernInputRound(call, sealer),
  };
}
