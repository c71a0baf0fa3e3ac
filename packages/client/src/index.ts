export { ErrorCode, MCPError, ToolExecutionError } from "@backplane/protocol";
export type { BulkheadOptions } from "./bulkhead.ts";
export type { CircuitBreakerOptions, CircuitState } from "./circuit-breaker.ts";
export type { ClientContext } from "./client-context.ts";
export {
  type CallOptions,
  type CallValue,
  ClientMethods,
} from "./client-methods.ts";
export { MCPConnectionPool, type MCPConnectionPoolOptions } from "./connection-pool.ts";
export {
  createEraCache,
  type EraCache,
  type EraCacheOptions,
  type EraVerdict,
} from "./era-cache.ts";
export {
  type ClientErrorCode,
  MCPClientError,
  type MCPClientErrorOptions,
  type RetryAdvice,
} from "./errors.ts";
export type { InputHandlers, InputRequestContext } from "./input-handlers.ts";
export { MCPClient } from "./mcp-client.ts";
export type { MultiList, OfServer } from "./multi/catalog.ts";
export type {
  ConfigVariables,
  HttpServerConfig,
  McpServersConfig,
  StdioServerConfig,
} from "./multi/config.ts";
export { MultiClientError, type ServerFailure } from "./multi/multi-client-error.ts";
export type { MultiClientOptions } from "./multi/multi-options.ts";
export type { ServerState, ServerStatus } from "./multi/server-slot.ts";
export { MultiClient } from "./multi-client.ts";
export type {
  ClientBehaviour,
  ClientInterceptor,
  ClientLimits,
  ClientTarget,
  MCPClientOptions,
} from "./options.ts";
export type { PoolOptions } from "./pool/pool-options.ts";
export type { DiscardReason, PoolStats } from "./pool/pool-stats.ts";
export type { LogEntry, RequestOptions } from "./request-options.ts";
export type { MethodCall } from "./request-plan.ts";
export { type CacheKey, ResponseCache, type ResponseCacheOptions } from "./response-cache.ts";
export type { RetryOptions } from "./retry.ts";
export type { ServerDescription } from "./server-description.ts";
export type { RestartOptions } from "./stdio/restart-budget.ts";
export type { ShutdownOptions, StdioOptions } from "./stdio/stdio-options.ts";
export type {
  ChangeEvent,
  ListenFilter,
  ListenHandlers,
  Listening,
  ResourceListener,
  StreamState,
} from "./subscription-types.ts";
export type { ResubscribeOptions } from "./subscriptions/resubscribe.ts";
export { toolError, toolOutput } from "./tool-result.ts";
