import type { Principal } from "../principal.ts";
import type { AuthenticationFailure } from "./authenticator.ts";

/** What a policy decides about: a primitive, with what its author declared on it. */
export interface ProtectedPrimitive {
  readonly kind: "tool" | "prompt" | "resource" | "resource_template";
  /** The name of a tool or prompt, the URI or URI template of a resource. */
  readonly name: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly tags: readonly string[];
}

/**
 * - `allow`: seen and callable.
 * - `hide`: neither seen nor callable, with the same error as an unknown name.
 * - `challenge`: seen, and a call is refused with a step-up answer (403 `insufficient_scope`).
 */
export type AuthorizationDecision =
  | { readonly effect: "allow" }
  | { readonly effect: "hide" }
  | {
      readonly effect: "challenge";
      /** What is answered unless the authenticator knows better, by its `stepUp` and `scopes`. */
      readonly failure: AuthenticationFailure;
      /** Every scope that the primitive demands; absent when scopes are not what is missing. */
      readonly scopes?: readonly string[];
    };

/** The one policy for seeing and calling. */
export interface Authorizer {
  /** Whether decisions depend on the principal; lists are then sent with `cacheScope: "private"`. */
  readonly perPrincipal: boolean;
  decide(principal: Principal | undefined, primitive: ProtectedPrimitive): AuthorizationDecision;
  /** What weakens it, for the operator: the server warns of each once. */
  readonly notices?: readonly string[];
}
