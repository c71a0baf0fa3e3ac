import type { Interceptor, Logger } from "@backplane/protocol";
import { isInputPending, MCPError } from "@backplane/server";
import { codes } from "./errors.ts";

/**
 * Gives what a handler did not foresee the application's own code, −3000: the caller gets a fixed text and an id
 * under which the log has the cause, once. Errors with a code of their own go on as they are.
 */
export function maskErrors(logger: Logger): Interceptor {
  return {
    name: "mask-errors",
    phase: "handler",
    async intercept(invocation, next) {
      try {
        return await next(invocation);
      } catch (error) {
        const { context, method, target } = invocation;
        const isMeant = MCPError.isInstance(error) || isInputPending(error);
        // The end of a call that nobody waits for is no fault.
        if (isMeant || context.signal.aborted) throw error;
        const { correlationId } = context;
        logger.error(
          { correlationId, method, target, err: error },
          "a handler failed unexpectedly",
        );
        throw new MCPError(codes.internal, "Internal server error", { data: { correlationId } });
      }
    },
  };
}
