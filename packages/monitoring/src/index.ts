export { DurationHistogram, type DurationSummary } from "./duration-histogram.ts";
export type { Check, CheckFunction, CheckOutcome } from "./health/check.ts";
export { HealthChecker, type HealthCheckerOptions } from "./health/health-checker.ts";
export {
  type HttpCheckOptions,
  httpCheck,
  type PostgresQuery,
  postgresCheck,
  type RedisPing,
  redisCheck,
} from "./health/service-checks.ts";
export { observe, type ServerChannel } from "./observe.ts";
