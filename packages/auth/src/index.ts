export { type AnyOfOptions, anyOf } from "./any-of.ts";
export { APIKeyAuth, type APIKeyAuthOptions } from "./api-key.ts";
export { type APIKey, type APIKeys, generateApiKey, hashApiKey } from "./api-key-entry.ts";
export { apiKeysFromEnvironment, apiKeysFromFile } from "./api-key-sources.ts";
export {
  AuthenticationError,
  type AuthenticationErrorCode,
  type AuthenticationErrorOptions,
  type AuthenticationStage,
} from "./authentication-error.ts";
export {
  type ConcurrencyLimitOptions,
  type ConcurrencyRule,
  concurrencyLimit,
} from "./concurrency-limit.ts";
export type { BreakerTimes } from "./internal/call-breaker.ts";
export type { CallSelection, RateLimitDimension } from "./internal/call-selection.ts";
export type { ClaimNames } from "./internal/claims.ts";
export type { NegativeCacheOptions } from "./internal/negative-cache.ts";
export type { ScopeHierarchy } from "./internal/scope-hierarchy.ts";
export type { TokenCacheOptions, VerifiedToken } from "./internal/token-cache.ts";
export type { TokenVerifier } from "./internal/token-selection.ts";
export { IntrospectionAuth } from "./introspection.ts";
export type { IntrospectionAuthOptions } from "./introspection-options.ts";
export type { JwksTimes } from "./jwks.ts";
export { type IssueOptions, JWTAuth } from "./jwt.ts";
export type { JWTKeyOptions, SharedSecret } from "./jwt-keys.ts";
export type { JWTAlgorithm, JWTAuthOptions } from "./jwt-options.ts";
export { OAuthResourceServer } from "./oauth-resource-server.ts";
export { policy } from "./policy.ts";
export type { PolicyOptions, PolicyRule } from "./policy-options.ts";
export { type RateLimiter, rateLimit } from "./rate-limit.ts";
export type {
  RateLimitCommon,
  RateLimitOptions,
  RateLimitRule,
} from "./rate-limit-options.ts";
export type {
  AuthorizationServer,
  DpopServerOptions,
  OAuthResourceServerOptions,
} from "./resource-server-options.ts";
