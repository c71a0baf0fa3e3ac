import type {
  AuthenticationOutcome,
  AuthenticationRequest,
  Authenticator,
  Principal,
} from "@backplane/protocol";
import { isOperator, METRICS } from "./roles.ts";

/** Who may ask for a path, and for those below it. What stands nowhere is for every caller but a scraper. */
const PATHS: readonly (readonly [path: string, mayAsk: (principal: Principal) => boolean])[] = [
  ["/metrics", (principal) => isOperator(principal) || principal.roles.includes(METRICS)],
  ["/health/details", isOperator],
  ["/dashboard", isOperator],
];

/**
 * The roles that a path demands, at the transport: tools, prompts and resources are the policy's part. A
 * caller who is known but may not is answered with 403, and logged like any refused credential.
 */
export function guardPaths(authenticator: Authenticator): Authenticator {
  return {
    ...authenticator,
    authenticate(request) {
      const outcome = authenticator.authenticate(request);
      // A key is known at once, and a call with one is not made to wait.
      return "then" in outcome
        ? outcome.then((settled) => checked(settled, request))
        : checked(outcome, request);
    },
  };
}

const FORBIDDEN: AuthenticationOutcome = {
  failure: {
    status: 403,
    headers: {},
    message: "The credential does not allow this path",
    stage: "path",
  },
};

function checked(
  outcome: AuthenticationOutcome,
  request: AuthenticationRequest,
): AuthenticationOutcome {
  return "failure" in outcome || mayAsk(outcome.principal, request) ? outcome : FORBIDDEN;
}

function mayAsk(principal: Principal, { path }: AuthenticationRequest): boolean {
  const [asked = ""] = path.split("?");
  const rule = PATHS.find(([own]) => asked === own || asked.startsWith(`${own}/`));
  return rule?.[1](principal) ?? (isOperator(principal) || !principal.roles.includes(METRICS));
}
