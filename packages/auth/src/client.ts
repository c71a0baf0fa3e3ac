export { type ApiKeyOptions, apiKey } from "./client/api-key.ts";
export {
  type BearerTokenInput,
  type BearerTokenOptions,
  bearerToken,
} from "./client/bearer-token.ts";
export { type ClientCredentialsOptions, clientCredentials } from "./client/client-credentials.ts";
export type { ClientKeyPair } from "./client/client-key-pair.ts";
export {
  type ClientMetadataDocumentOptions,
  clientMetadataDocument,
} from "./client/client-metadata-document.ts";
export type { ClientRegistration } from "./client/client-registration.ts";
export type { TokenSourceOptions } from "./client/common-options.ts";
export type { DpopAlgorithm, DpopOptions } from "./client/dpop-options.ts";
export {
  type EnterpriseManagedOptions,
  enterpriseManaged,
  type IdentityProvider,
} from "./client/enterprise-managed.ts";
export {
  OAuthClientError,
  type OAuthClientErrorCode,
  type OAuthClientErrorOptions,
  type OAuthStage,
} from "./client/errors.ts";
export type { CredentialInput } from "./client/header-credential.ts";
export {
  createMemoryTokenStore,
  type MemoryTokenStoreOptions,
} from "./client/memory-token-store.ts";
export { type OAuthOptions, oauth } from "./client/oauth.ts";
export { createMemoryRefreshLock, type RefreshLock } from "./client/refresh-lock.ts";
export {
  type ClientKey,
  type ClientRecord,
  type CredentialKey,
  type CredentialRecord,
  credentialKeyText,
  type TokenRecord,
  type TokenStore,
  type TokensKey,
  type Versioned,
} from "./client/token-store.ts";
export type { CallbackParameters, UserInteraction } from "./client/user-interaction.ts";
export {
  type AssertionRequest,
  type WorkloadIdentityOptions,
  workloadIdentity,
} from "./client/workload-identity.ts";
