import type { MCPError } from "@backplane/protocol";
import type { MCPClientError } from "../errors.ts";

/** Why one of several servers gave nothing. */
export interface ServerFailure {
  /** Its name in the configuration. */
  readonly server: string;
  readonly error: MCPError | MCPClientError;
}

const brand: symbol = Symbol.for("backplane.MultiClientError");

/** None of several servers did what was asked of them; each has its own reason in `failures`. */
export class MultiClientError extends Error {
  override readonly name: string = "MultiClientError";
  readonly code: "no_server";
  readonly failures: readonly ServerFailure[];

  static {
    Object.defineProperty(MultiClientError.prototype, brand, { value: true });
  }

  constructor(failures: readonly ServerFailure[]) {
    const reasons = failures.map(({ server, error }) => `${server}: ${error.message}`);
    super(`no server answers: ${reasons.join("; ")}`);
    this.code = "no_server";
    this.failures = failures;
  }

  /** Survives two copies of this package in one process, where `instanceof` does not. */
  static isInstance(value: unknown): value is MultiClientError {
    return typeof value === "object" && value !== null && brand in value;
  }
}
