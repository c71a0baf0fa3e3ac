import { wholeNumber } from "@backplane/protocol";

/** How many connections a pool holds, and for how long. */
export interface PoolOptions {
  /**
   * Connections that `connect()` opens and proves, and that are replaced when they end. A whole number of 0 or
   * more, at most `maxConnections`; with 0 `connect()` still proves one. Default 1.
   */
  readonly minConnections: number;
  /** Connections at once, those that are opening or closing included. 1 or more. Default 10. */
  readonly maxConnections: number;
  /** Longest wait for a free connection in milliseconds, after which a request fails with `acquire_timeout`. Default 30,000. */
  readonly connectionTimeoutMs: number;
  /** Requests that may wait for a connection; one more fails with `overloaded`. Default 1,024. */
  readonly maxWaiting: number;
  /**
   * Age in milliseconds at which a connection is replaced, once its request has ended; up to a tenth sooner by
   * chance, so that those that opened together do not end together. `Infinity` for never. Default 1,800,000.
   */
  readonly maxLifetimeMs: number;
  /** Idle time in milliseconds after which a connection beyond `minConnections` is closed. `Infinity` for never. Default 60,000. */
  readonly idleTimeoutMs: number;
  /**
   * Idle time in milliseconds after which a connection is asked whether it works, by `server/discover` or, in
   * the legacy era, `ping`. `Infinity` for never. Default 30,000.
   */
  readonly healthCheckIntervalMs: number;
}

const DEFAULTS: PoolOptions = {
  minConnections: 1,
  maxConnections: 10,
  connectionTimeoutMs: 30_000,
  maxWaiting: 1_024,
  maxLifetimeMs: 1_800_000,
  idleTimeoutMs: 60_000,
  healthCheckIntervalMs: 30_000,
};

/** The options that are the pool's own. */
export const POOL_OPTIONS: readonly (keyof PoolOptions)[] = Object.keys(
  DEFAULTS,
) as (keyof PoolOptions)[];

/**
 * Completes the pool's own options; others are left alone.
 * @throws {TypeError} that names the option.
 */
export function resolvePoolOptions(subject: string, given: Partial<PoolOptions>): PoolOptions {
  const options = { ...DEFAULTS };
  for (const option of POOL_OPTIONS) {
    const value = given[option];
    if (value === undefined) continue;
    if (option === "minConnections" && value === 0) options[option] = 0;
    else if (isPeriod(option) && value === Number.POSITIVE_INFINITY) options[option] = value;
    else options[option] = wholeNumber(subject, option, value);
  }
  const { minConnections, maxConnections } = options;
  if (minConnections > maxConnections) {
    throw new TypeError(
      `${subject}: option "minConnections" (${minConnections}) must not be more than "maxConnections" (${maxConnections})`,
    );
  }
  return options;
}

/** The options for which "never" makes sense. */
function isPeriod(option: keyof PoolOptions): boolean {
  return (
    option === "maxLifetimeMs" || option === "idleTimeoutMs" || option === "healthCheckIntervalMs"
  );
}
