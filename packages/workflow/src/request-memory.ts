import type { InputContext, JsonObject, JsonValue } from "@backplane/protocol";
import { fromJson, toJson } from "./internal/json-outputs.ts";
import { shortPath } from "./internal/short-path.ts";
import type { Memory } from "./memory.ts";
import { describeFailure, reviveFailure } from "./node-failure.ts";
import { isWaiting } from "./run-scope.ts";

/** An idempotent node with more than this, as JSON text, is run again instead of being carried by the client. */
const MAX_REPEATABLE_LENGTH = 2_048;

type Memo = {
  /** The outputs by port. */
  readonly outputs?: JsonObject;
  /** The node failed, and must not be tried again. */
  readonly failed?: JsonObject;
  /** Too large to be worth carrying, for a node that may run again. */
  readonly again?: true;
};

/**
 * Remembers by `once` of the request: between the rounds of a modern request the client carries what was done, sealed,
 * in 16 KiB at most. `label` keeps several workflows of one request apart. Outputs become what JSON makes of them, in both eras, so that every round sees the same.
 */
export function requestMemory(request: InputContext, label: string): Memory {
  return {
    once: (key, fn) => request.once(shortPath(`${label}:${key}`), fn),
    async remember({ node, path, execute }) {
      let failure: { readonly error: unknown } | undefined;
      let fresh: JsonObject | undefined;
      const memo = (await request.once(
        shortPath(`${label}:${path}`),
        async (): Promise<JsonValue> => {
          try {
            const outputs = toJson(await execute(), path);
            const isLong =
              node.idempotent && JSON.stringify(outputs).length > MAX_REPEATABLE_LENGTH;
            fresh = outputs;
            return isLong ? { again: true } : { outputs };
          } catch (error) {
            if (isWaiting(error) || node.idempotent) throw error;
            failure = { error };
            return { failed: describeFailure(error) };
          }
        },
      )) as Memo;
      if (failure !== undefined) throw failure.error;
      if (memo.failed !== undefined) throw reviveFailure(memo.failed, path);
      if (memo.outputs !== undefined) return fromJson(memo.outputs, node);
      return fromJson(fresh ?? toJson(await execute(), path), node);
    },
  };
}
