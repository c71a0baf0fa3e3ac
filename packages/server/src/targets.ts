import {
  type Authenticator,
  AuthorizationError,
  type Authorizer,
  clip,
  invalidParams,
  MCPError,
  type ProtectedPrimitive,
} from "@backplane/protocol";
import type { Call } from "./call.ts";
import type { RegisteredPrimitive } from "./primitive-table.ts";
import type { RegisteredPrompt } from "./prompts.ts";
import type { RegisteredProvider } from "./provider-registration.ts";
import type { Registry } from "./registry.ts";
import type { RegisteredResource, RegisteredTemplate } from "./resources.ts";
import type { RegisteredTool } from "./tools.ts";

/** What serves a URI: a resource, a template with the variables that matched, or a provider. */
export type ResourceTarget =
  | {
      readonly entry: RegisteredResource | RegisteredTemplate;
      readonly variables: Readonly<Record<string, string | readonly string[]>>;
    }
  | {
      readonly entry: RegisteredProvider;
      readonly variables?: undefined;
      /** What the policy decided about: the one URI, not the provider. */
      readonly protection: ProtectedPrimitive;
    };

const NO_VARIABLES: Readonly<Record<string, string>> = Object.freeze({});

/** Sessions remember what they watch, and a template matches nothing longer (uri-template.ts). */
const MAX_WATCHED_URI_LENGTH = 8_192;

/**
 * Finds what a request addresses and asks the policy. A hidden primitive answers exactly as an unknown
 * one. Runs before every interceptor.
 */
export class Targets {
  readonly #registry: Registry;
  readonly #policy: Authorizer | undefined;
  readonly #auth: Authenticator | undefined;

  constructor(registry: Registry, policy: Authorizer | undefined, auth: Authenticator | undefined) {
    this.#registry = registry;
    this.#policy = policy;
    this.#auth = auth;
  }

  /** @throws {MCPError} −32602 for a name that is no string, unknown or hidden. */
  tool(call: Call): RegisteredTool {
    const name = nameOf(call);
    const tool = this.#registry.tools.find(name);
    if (tool === undefined || this.#hides(call, tool.protection)) throw unknown("tool", name);
    return tool;
  }

  /** @throws {MCPError} −32602 for a name that is no string, unknown or hidden. */
  prompt(call: Call): RegisteredPrompt {
    const name = nameOf(call);
    const prompt = this.#registry.prompts.find(name);
    if (prompt === undefined || this.#hides(call, prompt.protection)) throw unknown("prompt", name);
    return prompt;
  }

  /** @throws {MCPError} the era's "resource not found" for a URI that is unknown or hidden. */
  resource(call: Call): ResourceTarget {
    const { uri } = call.params;
    if (typeof uri !== "string") throw invalidParams("params.uri must be a string");
    const target = this.findResource(call, uri);
    if (target === undefined) throw resourceNotFound(call, uri);
    return target;
  }

  /**
   * A resource that a legacy client subscribes to. It need not exist yet, unless a policy is on: what is
   * hidden must answer as what does not exist, and must not be told of.
   * @throws {MCPError} the era's "resource not found".
   */
  watchable(call: Call): ResourceTarget | undefined {
    const { uri } = call.params;
    if (typeof uri !== "string") throw invalidParams("params.uri must be a string");
    if (uri.length > MAX_WATCHED_URI_LENGTH) {
      throw invalidParams(`params.uri is longer than ${MAX_WATCHED_URI_LENGTH} characters`);
    }
    const target = this.findResource(call, uri);
    if (target === undefined && this.#policy !== undefined) throw resourceNotFound(call, uri);
    return target;
  }

  /**
   * The resource, the first template that matches, or the first provider whose it is, each in order;
   * undefined when none may be seen.
   */
  findResource(call: Call, uri: string): ResourceTarget | undefined {
    const resource = this.#registry.resources.find(uri);
    if (resource !== undefined) {
      return this.#hides(call, resource.protection)
        ? undefined
        : { entry: resource, variables: NO_VARIABLES };
    }
    for (const entry of this.#registry.templates.ordered()) {
      if (entry.provided === true) continue;
      const variables = entry.template.match(uri);
      if (variables !== undefined && !this.#hides(call, entry.protection)) {
        return { entry, variables };
      }
    }
    for (const entry of this.#registry.providers.ordered()) {
      const known = entry.provider.locate(uri);
      if (known === undefined) continue;
      const protection = entry.protectionOf(known);
      if (!this.#hides(call, protection)) return { entry, protection };
    }
    return undefined;
  }

  /** A prompt or template that a completion refers to. */
  completable(
    call: Call,
    kind: "prompt" | "template",
    key: string,
  ): RegisteredPrimitive | undefined {
    const entry =
      kind === "prompt" ? this.#registry.prompts.find(key) : this.#registry.templates.find(key);
    return entry === undefined || this.#hides(call, entry.protection) ? undefined : entry;
  }

  /**
   * Whether a provider's resource is hidden from the caller. What no provider knows, such as a key of which a part
   * is missing, is not.
   */
  hidesProvided(call: Call, uri: string): boolean {
    if (this.#policy === undefined) return false;
    for (const entry of this.#registry.providers.ordered()) {
      const known = entry.provider.locate(uri);
      if (known === undefined) continue;
      return this.#policy.decide(call.principal, entry.protectionOf(known)).effect === "hide";
    }
    return false;
  }

  /** @throws {AuthorizationError} when the caller may see the primitive but needs more to use it. */
  #hides(call: Call, protection: ProtectedPrimitive): boolean {
    call.primitive = protection;
    if (this.#policy === undefined) return false;
    const decision = this.#policy.decide(call.principal, protection);
    call.decision = decision.effect;
    if (decision.effect === "challenge") {
      const { scopes, failure } = decision;
      const known = scopes === undefined ? undefined : this.#auth?.stepUp?.(scopes);
      throw new AuthorizationError(known ?? failure);
    }
    return decision.effect === "hide";
  }
}

export function resourceNotFound(call: Call, uri: string): MCPError {
  return new MCPError(
    call.peer.codec.resourceNotFoundCode,
    `Resource not found: ${clip(uri, 1_000)}`,
    { data: { uri: clip(uri, 1_000) } },
  );
}

function nameOf(call: Call): string {
  const { name } = call.params;
  if (typeof name !== "string") throw invalidParams("params.name must be a string");
  return name;
}

function unknown(noun: string, name: string): MCPError {
  return invalidParams(`unknown ${noun} "${clip(name)}"`);
}
