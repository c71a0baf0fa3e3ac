export { AuditLog, type AuditStatus } from "./audit/audit-log.ts";
export type { AuditedServer, AuditOptions } from "./audit/audit-options.ts";
export type {
  AuditedCall,
  AuditedClosing,
  AuditedHead,
  AuditedLimit,
  AuditedLoss,
  AuditedOpening,
  AuditedPrincipal,
  AuditedRefusal,
  AuditedRoute,
  AuditHead,
  AuditRecord,
  AuditRecordBase,
} from "./audit/audit-record.ts";
export {
  type AuditRemains,
  type AuditSink,
  type AuditWritable,
  auditStream,
} from "./audit/audit-sink.ts";
export type { AuditFault, AuditVerdict } from "./audit/chain-check.ts";
export { type AuditPart, type VerifyOptions, verifyAudit } from "./audit/verify.ts";
export type { Check, CheckFunction, CheckOutcome } from "./health/check.ts";
export { HealthChecker, type HealthCheckerOptions } from "./health/health-checker.ts";
export {
  auditCheck,
  type HttpCheckOptions,
  httpCheck,
  type PostgresQuery,
  postgresCheck,
  type RedisPing,
  redisCheck,
} from "./health/service-checks.ts";
export type { LineLevel, LogThreshold } from "./logs/level.ts";
export { type LogEventsOptions, type LoggedChannel, logEvents } from "./logs/log-events.ts";
export { createLogs, type Logs, type LogsOptions, type TraceIds } from "./logs/logs.ts";
export { requestLogger } from "./logs/request-logger.ts";
export { DURATION_BOUNDS_S } from "./metrics/bounded-durations.ts";
export {
  type DurationBucket,
  DurationHistogram,
  type DurationSummary,
} from "./metrics/duration-histogram.ts";
export { MCPMetrics, type MCPMetricsOptions } from "./metrics/mcp-metrics.ts";
export type { OpenTelemetryOptions } from "./metrics/opentelemetry.ts";
export type { RouteStats } from "./metrics/route-stats.ts";
export type { CacheStats, MCPStats, OpenStats, OperationStats } from "./metrics/stats.ts";
export type { WorkflowStats } from "./metrics/workflow-table.ts";
export { observe, type ServerChannel } from "./observe.ts";
export type { ContextPropagator, MeterSource, TracerSource } from "./opentelemetry-types.ts";
export type {
  ClientTracingOptions,
  TracedClientContext,
  TracingOptions,
} from "./tracing/tracing-options.ts";
export { clientTracing, tracing } from "./tracing.ts";
