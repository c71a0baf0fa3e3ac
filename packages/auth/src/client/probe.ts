import { OAuthClientError, type OAuthClientErrorCode, type OAuthStage } from "./errors.ts";
import type { FlowFetch } from "./guarded-fetch.ts";

/** A fetch that remembers how the last answer failed, since the SDK's errors do not always say. */
export interface Probe {
  readonly fetch: FlowFetch;
  /** Of the last answer; undefined before there was one. */
  readonly status: number | undefined;
  /** The `error` of the last answer, when it is one that can be shown. */
  readonly oauthError: string | undefined;
}

/** RFC 6749, 5.2 allows more; no registered code needs it, and it goes into messages and logs. */
const SHOWN_ERROR = /^[A-Za-z0-9_.:-]{1,64}$/;

export function probe(fetch: FlowFetch): Probe {
  const seen: { status: number | undefined; oauthError: string | undefined } = {
    status: undefined,
    oauthError: undefined,
  };
  return {
    get status() {
      return seen.status;
    },
    get oauthError() {
      return seen.oauthError;
    },
    async fetch(url, init) {
      seen.status = undefined;
      seen.oauthError = undefined;
      const response = await fetch(url, init);
      seen.status = response.status;
      // Some servers report an error with status 200.
      const body: unknown = await response
        .clone()
        .json()
        .catch(() => undefined);
      seen.oauthError = errorOf(body);
      return response;
    },
  };
}

function errorOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  const { error } = body;
  return typeof error === "string" && SHOWN_ERROR.test(error) ? error : undefined;
}

/** The callback's `error`, when it is one that can be shown. */
export function shownOAuthError(error: string | undefined): string | undefined {
  return error !== undefined && SHOWN_ERROR.test(error) ? error : undefined;
}

/**
 * What an error of an SDK function means. Its message and cause are left behind: they quote what the
 * authorization server answered, which can hold the very credentials.
 */
export function failureOf(
  error: unknown,
  { status, oauthError }: Probe,
  stage: OAuthStage,
  refused: OAuthClientErrorCode,
): OAuthClientError {
  if (OAuthClientError.isInstance(error)) return error;
  if (oauthError !== undefined && !isUnavailable(status, oauthError)) {
    return new OAuthClientError(
      refused,
      stage,
      `OAuth ${stage}: the authorization server refused: ${oauthError}`,
      { oauthError, status },
    );
  }
  if (status !== undefined && isUnavailable(status, oauthError)) {
    return new OAuthClientError(
      "unavailable",
      stage,
      `OAuth ${stage}: the authorization server answered with HTTP ${status}`,
      { oauthError, status },
    );
  }
  if (status !== undefined && (status < 200 || status > 299)) {
    return new OAuthClientError(
      refused,
      stage,
      `OAuth ${stage}: the authorization server refused with HTTP ${status}`,
      { status },
    );
  }
  const kind = (error as { name?: unknown } | null)?.name;
  // The SDK's own check: credentials go over TLS, or stay on this machine.
  if (kind === "InsecureTokenEndpointError") {
    return new OAuthClientError(
      "unsafe_url",
      stage,
      `OAuth ${stage}: the token endpoint is not https, and not on this machine`,
    );
  }
  return new OAuthClientError(
    "invalid_response",
    stage,
    `OAuth ${stage}: the authorization server gave no valid answer (${String(kind)})`,
    { status },
  );
}

function isUnavailable(status: number | undefined, oauthError: string | undefined): boolean {
  return (
    (status !== undefined && status >= 500) ||
    status === 429 ||
    oauthError === "temporarily_unavailable"
  );
}
