import type {
  AuthenticationFailure,
  AuthenticationOutcome,
  AuthenticationRequest,
  Authenticator,
  Principal,
  PublicDocument,
} from "@backplane/protocol";
import { checkMembers, checkMethods } from "@backplane/protocol";

/** What `anyOf` takes beside the authenticators. */
export interface AnyOfOptions {
  /**
   * Lets in who brings no credential at all, as a principal without scopes and roles; a bad credential is
   * still refused. The server warns of it. Default false.
   */
  readonly anonymous?: boolean;
}

const ANONYMOUS: Principal = Object.freeze({
  id: "anonymous",
  issuer: "backplane:anonymous",
  scopes: Object.freeze([]),
  roles: Object.freeze([]),
});

const NOTICE =
  "anonymous access is on: requests without a credential are served, with whatever the policy gives to everybody";

/**
 * Several ways to say who is calling: the first authenticator that accepts decides. A request that none
 * accepts is answered with the challenges of all, and with what the first said that found a credential.
 * @throws {TypeError} without authenticators, or when two publish a document at the same path.
 */
export function anyOf(
  authenticators: readonly Authenticator[],
  options: AnyOfOptions = {},
): Authenticator {
  checkMembers("anyOf", options, ["anonymous"]);
  if (!Array.isArray(authenticators) || authenticators.length === 0) {
    throw new TypeError("anyOf: give at least one authenticator");
  }
  for (const each of authenticators)
    checkMethods("anyOf", "authenticators", each, ["authenticate"]);
  const { anonymous = false } = options;
  const documents = documentsOf(authenticators);
  const notices = authenticators.flatMap((each) => each.notices ?? []);
  return {
    authenticate: (request) => tryFrom(0, [], { authenticators, anonymous, request }),
    stepUp: (scopes) => {
      const failures = authenticators.flatMap((each) => each.stepUp?.(scopes) ?? []);
      return merged(failures, failures[0] ?? FORBIDDEN);
    },
    credentialHeaders: authenticators.flatMap((each) => each.credentialHeaders ?? []),
    ...(documents.size > 0 && { documents }),
    notices: anonymous ? [...notices, NOTICE] : notices,
  };
}

const FORBIDDEN: AuthenticationFailure = {
  status: 403,
  headers: {},
  message: "The credential lacks a scope",
  stage: "scope",
};

interface Attempt {
  readonly authenticators: readonly Authenticator[];
  readonly anonymous: boolean;
  readonly request: AuthenticationRequest;
}

/** Waits only for those that make it wait. */
function tryFrom(
  first: number,
  failures: AuthenticationFailure[],
  attempt: Attempt,
): AuthenticationOutcome | Promise<AuthenticationOutcome> {
  const { authenticators, request } = attempt;
  for (let index = first; index < authenticators.length; index++) {
    const outcome = (authenticators[index] as Authenticator).authenticate(request);
    if ("then" in outcome) {
      return outcome.then((settled) => {
        if ("principal" in settled) return settled;
        return tryFrom(index + 1, [...failures, settled.failure], attempt);
      });
    }
    if ("principal" in outcome) return outcome;
    failures.push(outcome.failure);
  }
  return refuse(failures, attempt);
}

function refuse(
  failures: readonly AuthenticationFailure[],
  { anonymous }: Attempt,
): AuthenticationOutcome {
  const withCredential = failures.filter(({ stage }) => stage !== "credentials");
  if (withCredential.length === 0 && anonymous) return { principal: ANONYMOUS };
  // One that could not tell might have accepted.
  const unavailable = withCredential.find(({ status }) => status === 503);
  if (unavailable !== undefined) return { failure: unavailable };
  return { failure: merged(failures, withCredential[0] ?? (failures[0] as AuthenticationFailure)) };
}

/** `main` with the challenges of all, which clients read in their order. */
function merged(
  failures: readonly AuthenticationFailure[],
  main: AuthenticationFailure,
): AuthenticationFailure {
  const headers: Record<string, string> = {};
  for (const failure of [main, ...failures.filter((other) => other !== main)]) {
    for (const [name, value] of Object.entries(failure.headers)) {
      const before = headers[name];
      if (before === undefined) headers[name] = value;
      // Others, such as a nonce, have one value.
      else if (name === "WWW-Authenticate" && before !== value) {
        headers[name] = `${before}, ${value}`;
      }
    }
  }
  return { ...main, headers };
}

function documentsOf(
  authenticators: readonly Authenticator[],
): ReadonlyMap<string, PublicDocument> {
  const all = new Map<string, PublicDocument>();
  for (const { documents } of authenticators) {
    for (const [path, document] of documents ?? []) {
      if (all.has(path)) {
        throw new TypeError(
          `anyOf: two authenticators publish ${path}; one OAuthResourceServer takes several authorization servers`,
        );
      }
      all.set(path, document);
    }
  }
  return all;
}
