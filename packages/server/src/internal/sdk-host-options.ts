import type {
  ClientCapabilities,
  Logger,
  Prompt,
  RequestContext,
  Resource,
  ResourceTemplate,
  Tool,
} from "@backplane/protocol";
import { checkMembers } from "@backplane/protocol";
import type { ProtectionOptions } from "../protection.ts";
import type { ResourceOptions } from "../resources.ts";
import { createStderrLogger } from "../stderr-logger.ts";
import type { ToolOptions } from "../tools.ts";
import type { SdkAuthInfo } from "./sdk-shapes.ts";

/** What `hostSdkServer` takes beside the two servers. Every option may be left out. */
export interface HostSdkServerOptions {
  /** Put before the names of its tools and prompts. Default none. */
  readonly namePrefix?: string;
  /**
   * What its handlers find as `authInfo`. Default: made of the principal, without the token, which
   * Backplane does not keep (`token` is then empty); undefined for anonymous callers.
   */
  readonly authInfo?: (context: RequestContext) => SdkAuthInfo | undefined;
  /** What it hears that its clients can be asked. Default: forms, URLs, sampling with tools and context, roots. */
  readonly clientCapabilities?: ClientCapabilities;
  /** What a tool needs of its caller, and its deadlines: an SDK server cannot say either. */
  readonly toolOptions?: (tool: Tool) => ProtectionOptions & Pick<ToolOptions, "deadlines">;
  /** What a prompt needs of its caller. */
  readonly promptOptions?: (prompt: Prompt) => ProtectionOptions;
  /** What a resource or template needs of its caller, and how long a read may be reused. */
  readonly resourceOptions?: (
    resource: Resource | ResourceTemplate,
  ) => ProtectionOptions & Pick<ResourceOptions, "cacheHint">;
  /** Longest wait for its handshake, and for each of its lists. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Resources subscribed at the hosted server at once; one more ends the oldest. Default 1,000. */
  readonly maxSubscriptions?: number;
  /** Told of list changes that cannot be followed, and of its log messages outside a call. Default: stderr. */
  readonly logger?: Logger;
}

export type ResolvedHostOptions = Required<HostSdkServerOptions>;

const DEFAULT_CAPABILITIES: ClientCapabilities = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {}, context: {} },
  roots: {},
};

/**
 * Fills defaults and rejects nonsense.
 * @throws {TypeError} that names the option and what it takes.
 */
export function resolveHostOptions(options: HostSdkServerOptions): ResolvedHostOptions {
  const defaults: ResolvedHostOptions = {
    namePrefix: "",
    authInfo: authInfoOf,
    clientCapabilities: DEFAULT_CAPABILITIES,
    toolOptions: () => ({}),
    promptOptions: () => ({}),
    resourceOptions: () => ({}),
    connectTimeoutMs: 10_000,
    maxSubscriptions: 1_000,
    logger: createStderrLogger(),
  };
  checkMembers("hostSdkServer", options, Object.keys(defaults));
  for (const [option, value] of Object.entries(options)) {
    checkKind(option, value, defaults[option as keyof ResolvedHostOptions]);
  }
  return { ...defaults, ...options };
}

function checkKind(option: string, value: unknown, example: unknown): void {
  if (typeof example === "number") {
    if (Number.isSafeInteger(value) && (value as number) >= 1) return;
    throw new TypeError(
      `hostSdkServer: option "${option}" must be a whole number of 1 or more, not ${String(value)}`,
    );
  }
  if (typeof value === typeof example && value !== null) return;
  throw new TypeError(
    `hostSdkServer: option "${option}" must be a ${typeof example}, not ${String(value)}`,
  );
}

/** The members that a callback of the options may give, so that a misspelt one is not ignored. */
export function checkGiven(option: string, given: object, known: readonly string[]): void {
  for (const member of Object.keys(given)) {
    if (!known.includes(member)) {
      throw new TypeError(
        `hostSdkServer: option "${option}" gave the unknown member "${member}"; known: ${known.join(", ")}`,
      );
    }
  }
}

function authInfoOf({ principal }: RequestContext): SdkAuthInfo | undefined {
  if (principal === undefined) return undefined;
  const { id, issuer, clientId, scopes, roles, claims, expiresAtMs } = principal;
  return {
    token: "",
    clientId: clientId ?? id,
    scopes: [...scopes],
    ...(expiresAtMs !== undefined && { expiresAt: Math.floor(expiresAtMs / 1000) }),
    extra: { principalId: id, issuer, roles, claims },
  };
}
