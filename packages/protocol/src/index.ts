export { type AbortListener, abortListener, unwatchAbort, watchAbort } from "./abort-watch.ts";
export { canonicalJson, digest } from "./canonical-json.ts";
export {
  type AuthenticationEvent,
  type CacheLookupEvent,
  type CacheStateEvent,
  CHANNELS,
  type ChannelEvents,
  type CircuitEvent,
  type ClientConnectionEvent,
  type ClientRequestEndEvent,
  type DegradedEvent,
  type GaugeEvent,
  type LimitEvent,
  type MaskedErrorEvent,
  type RequestEndEvent,
  type RequestEvent,
  type RequestOutcome,
  type RouteEndEvent,
  type RouteRefusalStage,
  type WorkflowNodeEndEvent,
  type WorkflowNodeEvent,
  type WorkflowRunEndEvent,
  type WorkflowRunEvent,
} from "./channels.ts";
export { type Classified, classifyMessage, hasModernClaim } from "./classify.ts";
export type { ClientAuth, ClientAuthChallenge, ClientAuthRequest } from "./client-auth.ts";
export type {
  ClientDescription,
  ElicitAsk,
  ElicitContent,
  ElicitFormAsk,
  ElicitUrlAsk,
  InputContext,
  ProgressReport,
  RequestContext,
  TransportInfo,
} from "./context.ts";
export {
  type DeadlineEntry,
  type DeadlineKind,
  DeadlineWheel,
  TotalDeadline,
} from "./deadline-wheel.ts";
export {
  AuthorizationError,
  clip,
  deadlineExceeded,
  ErrorCode,
  headerMismatch,
  internalError,
  invalidParams,
  invalidRequest,
  MCPError,
  type MCPErrorOptions,
  methodNotFound,
  missingClientCapability,
  parseError,
  resourceTooLarge,
  ToolExecutionError,
  unavailable,
  unsupportedProtocolVersion,
} from "./errors.ts";
export {
  decodeHeaderValue,
  encodeHeaderValue,
  HEADER_LAST_EVENT_ID,
  HEADER_METHOD,
  HEADER_NAME,
  HEADER_PROTOCOL_VERSION,
  HEADER_SESSION_ID,
  headerMatches,
  PARAM_HEADER_PREFIX,
} from "./headers.ts";
export { httpStatusOf } from "./http-status.ts";
export { createInMemoryTransportPair } from "./in-memory-transport.ts";
export {
  checkSampleParams,
  isRoot,
  sampleResultFault,
  samplesWithTools,
  samplingBlocks,
} from "./interaction-checks.ts";
export {
  composeInterceptors,
  INTERCEPTOR_PHASES,
  type Interceptor,
  type InterceptorChain,
  type InterceptorHost,
  type InterceptorPhase,
  type Invocation,
  type InvocationResult,
  type Next,
  orderInterceptors,
  type ServerChange,
} from "./interceptor.ts";
export { IntrusiveList, type ListNode } from "./intrusive-list.ts";
export {
  type IpAddress,
  type IpRange,
  isInRange,
  parseIpAddress,
  parseIpRange,
} from "./ip-address.ts";
export { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
export {
  isRequestId,
  type JsonRpcErrorObject,
  type JsonRpcFailure,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type JsonRpcResult,
  type MessageKind,
  messageKind,
  type ProgressToken,
  type RequestId,
  salvageId,
} from "./json-rpc.ts";
export { DEFAULT_MESSAGE_LIMITS, exceedsJsonDepth, type MessageLimits } from "./limits.ts";
export { createLineSplitter, type LineSplitter, toLine } from "./line-splitter.ts";
export { isLoopbackHost } from "./loopback.ts";
export { createMemoryEventBus, type MemoryEventBusOptions } from "./memory/memory-event-bus.ts";
export { createMemoryEventLog, type MemoryEventLogOptions } from "./memory/memory-event-log.ts";
export {
  createMemoryRateLimitStore,
  type MemoryRateLimitStoreOptions,
  type SyncRateLimitStore,
} from "./memory/memory-rate-limit-store.ts";
export {
  createMemorySessionStore,
  type MemorySessionStoreOptions,
} from "./memory/memory-session-store.ts";
export { createKeyRing, createProcessKeyRing, parseKeyRing } from "./memory/process-key-ring.ts";
export { monotonicClock, systemClock } from "./memory/system-clock.ts";
export {
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
  META_SERVER_INFO,
  META_SUBSCRIPTION_ID,
  META_TOOL_ERROR,
  META_WORKFLOW,
  TRACE_KEYS,
} from "./meta.ts";
export {
  checkBoolean,
  checkMembers,
  checkMethods,
  filledNumbers,
  wholeNumber,
} from "./option-checks.ts";
export { type Principal, principalKey, type RateLimitQuota } from "./principal.ts";
export { isSensitiveName, type RedactLimits, redact } from "./redact.ts";
export { redactText } from "./redact-text.ts";
export {
  checkRedisPrefix,
  createRedisScript,
  type RedisScript,
  type RedisScriptClient,
} from "./redis-script.ts";
export {
  ASSUMED_LEGACY_REVISION,
  type Era,
  eraOf,
  isAtLeast,
  isLegacyRevision,
  isModernRevision,
  isRevision,
  LATEST_LEGACY_REVISION,
  LATEST_MODERN_REVISION,
  LEGACY_REVISIONS,
  type LegacyRevision,
  MODERN_REVISIONS,
  type ModernRevision,
  type Revision,
} from "./revisions.ts";
export {
  assertSafeUrl,
  type CompiledUrlPolicy,
  compileUrlPolicy,
  type SafeUrlPolicy,
  UnsafeUrlError,
  type UnsafeUrlReason,
} from "./safe-url.ts";
export {
  type CompiledSchema,
  type CompileOptions,
  compileSchema,
  isStandardSchema,
  SchemaError,
  type SchemaErrorCode,
  type SchemaInput,
  type ValidationIssue,
  type ValidationOutcome,
} from "./schema/compile.ts";
export { standardValidator } from "./schema/standard.ts";
export type { StandardJsonSchemaV1, StandardSchemaV1 } from "./schema/standard-schema.ts";
export { argumentAt, type HeaderParameter, headerParameters } from "./schema/x-mcp-header.ts";
export type {
  AuthenticationFailure,
  AuthenticationOutcome,
  AuthenticationRequest,
  Authenticator,
  GuardedServer,
  PublicDocument,
} from "./seams/authenticator.ts";
export type { AuthorizationDecision, Authorizer, ProtectedPrimitive } from "./seams/authorizer.ts";
export type { Clock } from "./seams/clock.ts";
export type { EventBus } from "./seams/event-bus.ts";
export type { EventLog, LoggedEvent } from "./seams/event-log.ts";
export type {
  HealthCheck,
  HealthCheckResult,
  HealthReport,
  HealthStatus,
} from "./seams/health-check.ts";
export type {
  HttpEventStream,
  HttpRoute,
  HttpRouteInfo,
  HttpRouteMethod,
  HttpRouteRequest,
  HttpRouteResponse,
} from "./seams/http-route.ts";
export type { KeyRing, RingKey } from "./seams/key-ring.ts";
export type { KeyValueStore } from "./seams/key-value-store.ts";
export type { Logger } from "./seams/logger.ts";
export type {
  ClientLoad,
  ObservedClient,
  ObservedServer,
  ServerLoad,
} from "./seams/observed.ts";
export type {
  RateLimitBucket,
  RateLimitDecision,
  RateLimitStore,
} from "./seams/rate-limit-store.ts";
export type { SessionPatch, SessionRecord, SessionStore } from "./seams/session-store.ts";
export { Secret } from "./secret.ts";
export { sha256, sha256Binary } from "./sha256.ts";
export { type SharedText, sharedText, shareResult } from "./shared-result.ts";
export { silentLogger } from "./silent-logger.ts";
export { formatIssues, isFormat } from "./string-formats.ts";
export type { MessageTransport, MessageTransportHandlers } from "./transport.ts";
export type {
  AudioContent,
  BlobResourceContents,
  ContentAnnotations,
  ContentBlock,
  ContentBlockType,
  EmbeddedResource,
  Icon,
  ImageContent,
  ResourceContents,
  ResourceLink,
  TextContent,
  TextResourceContents,
} from "./types/content.ts";
export type {
  ElicitFormParams,
  ElicitParams,
  ElicitResult,
  ElicitUrlParams,
  ListRootsResult,
  Root,
  SampleParams,
  SampleResult,
  SamplingContent,
  SamplingMessage,
  ToolResultContent,
  ToolUseContent,
} from "./types/interaction.ts";
export {
  type ClientCapabilities,
  type Implementation,
  isLogLevel,
  LOG_LEVELS,
  type LogLevel,
  passesLogLevel,
  type ServerCapabilities,
} from "./types/peers.ts";
export type {
  CacheHint,
  CacheScope,
  CallToolResult,
  CompleteResult,
  CompletionReference,
  GetPromptResult,
  JsonSchema,
  Prompt,
  PromptArgument,
  PromptMessage,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  Tool,
  ToolAnnotations,
} from "./types/primitives.ts";
export {
  UriTemplate,
  type UriTemplateMatch,
  type UriTemplateValue,
  type UriTemplateValues,
} from "./uri-template.ts";
export {
  decodeCapabilities,
  decodeImplementation,
  type RequestClaims,
} from "./wire/claims.ts";
export {
  codecFor,
  createResultEnvelope,
  type ResultEnvelope,
  type WireCodec,
} from "./wire/codec.ts";
export type { MethodRow, MethodTable } from "./wire/method-row.ts";
export { within } from "./within.ts";
export { writesLike, writesToStdout } from "./writes-to-stdout.ts";
