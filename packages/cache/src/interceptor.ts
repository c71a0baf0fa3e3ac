import {
  checkMembers,
  type Interceptor,
  type InterceptorHost,
  type Invocation,
  type InvocationResult,
  isJsonObject,
  type Next,
  type ServerChange,
  sha256,
} from "@backplane/protocol";
import type { Asking, CacheSpace } from "./cache-space.ts";
import { CACHEABLE_METHODS, resultKey } from "./key.ts";
import type { MCPCache } from "./mcp-cache.ts";

/** What {@link caching} takes. */
export interface CachingOptions {
  /**
   * The methods that may be answered from the cache: `tools/call`, `resources/read`, the four lists and
   * `server/discover`. Default all. A list that a server makes from its own registry is quicker made than kept.
   */
  readonly methods?: readonly string[];
  /** Inside the cache, so that handlers have keys of their own. Default `mcp`. */
  readonly namespace?: string;
}

const SUBJECT = "caching";
const LISTS = ["tools", "prompts", "resources"] as const;
/** What makes the results of a method old, beside the resource that was read. */
const TAGS: Readonly<Record<string, readonly string[]>> = {
  "tools/call": ["tools"],
  "tools/list": ["tools"],
  "prompts/list": ["prompts"],
  "resources/list": ["resources"],
  "resources/templates/list": ["resources"],
  "resources/read": ["resources"],
  "server/discover": LISTS,
};
/** The member that every result of a method has: a kept value without it is not one of ours. */
const REQUIRED_MEMBER: Readonly<Record<string, string>> = {
  "tools/call": "content",
  "tools/list": "tools",
  "prompts/list": "prompts",
  "resources/list": "resources",
  "resources/templates/list": "resourceTemplates",
  "resources/read": "contents",
  "server/discover": "supportedVersions",
};
/** Thrown through the flight: whoever waits must run for himself. */
const NOT_TO_BE_KEPT: unique symbol = Symbol("a result that is not to be kept");

/** A server whose results are kept, and the tags that they carry by method. */
interface Host {
  /** Begins its keys and tags. */
  readonly prefix: string;
  readonly tags: ReadonlyMap<string, readonly string[]>;
}

/**
 * Answers from a cache: calls of tools that declare a `cacheHint`, and lists and reads for as long as their hints
 * say. A result is given only to the principal that it was made for, with the same scopes, roles and claims,
 * unless it is declared public. It runs after authentication, policy and limits, so a hit skips none of them.
 *
 * Never kept: errors, `isError` results, questions to the client and whatever was made from their answers. A
 * change of a list or a resource, on any replica, makes old what it concerns before clients are told of it.
 * When the cache fails, requests run as without it.
 * @throws {TypeError} that names the option.
 */
export function caching(cache: MCPCache, options: CachingOptions = {}): Interceptor {
  if (typeof (cache as Partial<MCPCache> | undefined)?.namespace !== "function") {
    throw new TypeError(`${SUBJECT}: give it an MCPCache`);
  }
  checkMembers(SUBJECT, options, ["methods", "namespace"]);
  const methods = new Set(options.methods ?? CACHEABLE_METHODS);
  for (const method of methods) {
    if (!CACHEABLE_METHODS.includes(method)) {
      throw new TypeError(
        `${SUBJECT}: option "methods" holds "${String(method)}"; it takes ${CACHEABLE_METHODS.join(", ")}`,
      );
    }
  }
  const space = cache.namespace(options.namespace ?? "mcp") as CacheSpace;
  return new CachingInterceptor(space, methods);
}

class CachingInterceptor implements Interceptor {
  readonly name: string = "caching";
  readonly phase = "cache";
  readonly #space: CacheSpace;
  readonly #methods: ReadonlySet<string>;
  readonly #hosts = new Map<string, Host>();

  constructor(space: CacheSpace, methods: ReadonlySet<string>) {
    this.#space = space;
    this.#methods = methods;
  }

  attached(host: InterceptorHost): void {
    const { name, version } = host.serverInfo;
    // Servers may share a cache, and replicas of one server shall share results, but not with another build.
    const prefix = `${sha256(JSON.stringify([name, version])).slice(0, 22)}:`;
    const tags = new Map(
      Object.entries(TAGS).map(([method, own]) => [method, own.map((tag) => prefix + tag)]),
    );
    this.#hosts.set(host.serverId, { prefix, tags });
    host.onChange((change) => this.#space.invalidateTags(...changedTags(prefix, change)));
    host.onStop("caching", () => void this.#hosts.delete(host.serverId));
  }

  intercept(invocation: Invocation, next: Next): InvocationResult | Promise<InvocationResult> {
    const { cacheHint, method, params, context, primitive } = invocation;
    if (cacheHint === undefined || cacheHint.ttlMs === 0 || !this.#methods.has(method)) {
      return next(invocation);
    }
    const host = this.#hosts.get(context.serverId);
    // The answers that a retry brings are its client's own.
    const isRetry = params.inputResponses !== undefined || params.requestState !== undefined;
    if (host === undefined || isRetry) return next(invocation);
    const { prefix, tags } = host;
    const key = resultKey(prefix, invocation, !this.#space.isLocal);
    const hot = this.#space.hot(key, context.serverId);
    if (hot !== undefined) return hot;
    const own = tags.get(method) as readonly string[];
    const all =
      method === "resources/read" ? [...own, ...uriTags(prefix, params.uri, primitive)] : own;
    const asking = new AskingCall(invocation, next, all, cacheHint.ttlMs);
    return asking.finish(this.#space.lookup(key, asking));
  }
}

/** One request that may be answered from the cache. */
class AskingCall implements Asking {
  readonly ttlMs: number;
  readonly tags: readonly string[];
  readonly #invocation: Invocation;
  readonly #next: Next;
  #failure: { readonly error: unknown } | undefined = undefined;
  #made: InvocationResult | undefined = undefined;

  constructor(invocation: Invocation, next: Next, tags: readonly string[], ttlMs: number) {
    this.#invocation = invocation;
    this.#next = next;
    this.tags = tags;
    this.ttlMs = ttlMs;
  }

  get serverId(): string {
    return this.#invocation.context.serverId;
  }

  accepts(value: unknown): boolean {
    return mayKeep(this.#invocation.method, value);
  }

  cancelled(): boolean {
    return this.#invocation.context.signal.aborted;
  }

  async load(): Promise<InvocationResult> {
    try {
      this.#made = await this.#next(this.#invocation);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
    if (this.#invocation.context.asked || !this.accepts(this.#made)) throw NOT_TO_BE_KEPT;
    return this.#made;
  }

  /** What this caller gets. */
  async finish(outcome: Promise<unknown>): Promise<InvocationResult> {
    try {
      const result = (await outcome) as InvocationResult;
      return this.#made ?? result;
    } catch {
      // Made here, whatever became of it afterwards.
      if (this.#made !== undefined) return this.#made;
      // Its own failure, though others may have run since; that of somebody else is none of this caller's.
      if (this.#failure !== undefined) throw this.#failure.error;
      return this.#next(this.#invocation);
    }
  }
}

/** Whether a value is a result that is complete, succeeded, and has the form of its method. */
function mayKeep(method: string, value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { resultType, isError } = value;
  return (
    (resultType === undefined || resultType === "complete") &&
    isError !== true &&
    Array.isArray(value[REQUIRED_MEMBER[method] as string])
  );
}

function changedTags(prefix: string, change: ServerChange): readonly string[] {
  switch (change.type) {
    case "list":
      return [prefix + change.list];
    case "resource":
      return enclosing(change.uri).map((uri) => uriTag(prefix, uri));
    default:
      return LISTS.map((list) => prefix + list);
  }
}

/**
 * Of a URI as its client wrote it, and of the one spelling by which a provider knows the resource and tells of its
 * changes. A template is neither.
 */
function uriTags(prefix: string, uri: unknown, primitive: string | undefined): readonly string[] {
  const asked = uriTag(prefix, uri as string);
  return primitive === undefined || primitive === uri || primitive.includes("{")
    ? [asked]
    : [asked, uriTag(prefix, primitive)];
}

function uriTag(prefix: string, uri: string): string {
  return `${prefix}uri:${sha256(uri)}`;
}

const MAX_LEVELS = 15;

/** The resource, and what it may be a part of: a change of a file is one of its folder (spec: resources, subscriptions). */
function enclosing(uri: string): readonly string[] {
  const uris = [uri];
  let end = uri.length;
  for (let level = 0; level < MAX_LEVELS; level++) {
    end = uri.lastIndexOf("/", end - 1);
    if (end <= 0) break;
    uris.push(uri.slice(0, end), uri.slice(0, end + 1));
  }
  return uris;
}
