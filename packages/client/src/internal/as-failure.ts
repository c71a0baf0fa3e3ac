import { MCPError } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";

/** Anything thrown as what a caller is told. What nobody foresaw would fail the same way again. */
export function asFailure(thrown: unknown): MCPError | MCPClientError {
  if (MCPClientError.isInstance(thrown) || MCPError.isInstance(thrown)) return thrown;
  return new MCPClientError("connection_failed", String((thrown as Error)?.message ?? thrown), {
    cause: thrown,
    retry: "never",
  });
}
