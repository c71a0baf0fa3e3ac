import type { AuthenticationFailure, AuthenticationOutcome } from "@backplane/protocol";
import { AuthenticationError } from "../authentication-error.ts";
import { challenge } from "./www-authenticate.ts";

/** When a client may try again that was told `unavailable`. */
const RETRY_AFTER_SECONDS = "5";

/** A refusal as an HTTP answer, with the challenges that tell a client what would be taken. */
export function describeRefusal(
  error: AuthenticationError,
  challenges: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): AuthenticationFailure {
  const { status, message, stage, cause } = error;
  return {
    status,
    headers: {
      ...(status === 503
        ? { "Retry-After": RETRY_AFTER_SECONDS }
        : // One line: a client that reads only the first value must see all of them.
          { "WWW-Authenticate": challenges.join(", ") }),
      ...headers,
    },
    message,
    stage,
    ...(cause !== undefined && { cause }),
  };
}

/** The challenge of RFC 6750, 3. Without a credential it names no error, so that nothing is said about one. */
export function bearerChallenge(
  error: AuthenticationError,
  parameters: Readonly<Record<string, string | undefined>>,
  scheme = "Bearer",
): string {
  return challenge(scheme, {
    ...parameters,
    error: error.code === "missing_credentials" ? undefined : error.code,
    ...(error.scopes.length > 0 && { scope: error.scopes.join(" ") }),
  });
}

/** The outcome of a check that throws. @throws whatever is no refusal. */
export function refusalOf(
  error: unknown,
  describe: (error: AuthenticationError) => AuthenticationFailure,
): AuthenticationOutcome {
  if (!AuthenticationError.isInstance(error)) throw error;
  return { failure: describe(error) };
}
