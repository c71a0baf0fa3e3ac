import type { Clock, Logger } from "@backplane/protocol";
import type { AuthorizationServerMetadata } from "@modelcontextprotocol/client";
import type { ClientIdentity } from "./client-authentication.ts";
import type { DpopSession } from "./dpop.ts";
import type { OAuthStage } from "./errors.ts";
import type { FlowFetch } from "./guarded-fetch.ts";
import type { Sdk } from "./sdk.ts";
import type { TokenRecord, TokenStore } from "./token-store.ts";
import type { UrlGuard } from "./url-guard.ts";

/** An authorization server whose metadata names itself as it was asked for. */
export interface AuthorizationServer {
  readonly issuer: string;
  readonly metadata: AuthorizationServerMetadata;
}

/** What one way to a token needs of its surroundings. */
export interface Flow {
  readonly sdk: Sdk;
  readonly server: AuthorizationServer;
  /** The resource indicator: sent with each authorization and token request (RFC 8707). */
  readonly resource: string;
  /** What is asked for; undefined leaves it to the authorization server. */
  readonly scope: string | undefined;
  readonly dpop: DpopSession | undefined;
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: UrlGuard;
  /** Goes where the guard allows. */
  fetch(stage: OAuthStage): FlowFetch;
}

/** Tokens, and the client that they were issued to. */
export interface Obtained {
  readonly client: ClientIdentity;
  readonly tokens: TokenRecord;
}

/** A way to get tokens. */
export interface Grant {
  /** Whether a user takes part: then tokens are asked for only when a request was refused. */
  readonly interactive: boolean;
  /** The authorization server that credentials given by the application belong to. */
  readonly issuer: string | undefined;
  /**
   * The client to use tokens as; undefined when there is none yet at this authorization server.
   * @throws {OAuthClientError} when there can be none.
   */
  client(flow: Flow): Promise<ClientIdentity | undefined>;
  obtain(flow: Flow): Promise<Obtained>;
  /** The authorization server no longer knows this client. */
  forget?(flow: Flow, clientId: string): Promise<void>;
}
