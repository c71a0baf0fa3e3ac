import {
  type CompiledUrlPolicy,
  checkMembers,
  compileUrlPolicy,
  type Resource,
  type SafeUrlPolicy,
  wholeNumber,
} from "@backplane/protocol";
import { checkUriPrefix } from "../internal/uri.ts";

/** A page of a site, as the list shows it. */
export interface HttpResource extends Omit<Resource, "uri" | "name"> {
  /** Its URL behind the base URL, percent-encoded where it must be. */
  readonly path: string;
  /** Default: the path. */
  readonly name?: string;
}

/** What `new HttpResourceProvider` takes. */
export interface HttpResourceProviderOptions {
  /** Where everything lies, ending with `/`; nothing outside is asked for. `https:` unless `urlPolicy` allows more. */
  readonly baseUrl: string;
  /** Unique at a server. Default `http`. */
  readonly name?: string;
  /** What the URIs begin with in place of the base URL, ending with `/`. Default: the base URL. */
  readonly uriPrefix?: string;
  /** What is listed, or what finds it out each time. HTTP has no list of its own. Default nothing. */
  readonly resources?:
    | readonly HttpResource[]
    | ((signal: AbortSignal) => readonly HttpResource[] | Promise<readonly HttpResource[]>);
  /** Headers of every request, such as a credential; the same for all principals, and for the base URL's origin only. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where requests and redirects may go. Default: `https:` to public addresses. */
  readonly urlPolicy?: SafeUrlPolicy;
  /** For a read as a whole, in milliseconds, a whole number of 1 or more. Default 10,000. */
  readonly timeoutMs?: number;
  /** Bytes of an answer at most, a whole number of 1 or more. Default 10 MiB. */
  readonly maxBytes?: number;
  /**
   * Bytes of answers that are kept to be asked for only if they have changed (`ETag`, `Last-Modified`); an
   * answer is never used without asking. A whole number of 1 or more. Default 16 MiB.
   */
  readonly maxCachedBytes?: number;
}

/** {@link HttpResourceProviderOptions}, complete. */
export interface HttpSettings {
  readonly name: string;
  readonly baseUrl: string;
  readonly uriPrefix: string;
  readonly resources: (signal: AbortSignal) => Promise<readonly HttpResource[]>;
  readonly headers: Readonly<Record<string, string>>;
  readonly urlPolicy: SafeUrlPolicy;
  readonly policy: CompiledUrlPolicy;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly maxCachedBytes: number;
}

const SUBJECT = "HttpResourceProvider";
const KNOWN: readonly string[] = [
  "baseUrl",
  "name",
  "uriPrefix",
  "resources",
  "headers",
  "urlPolicy",
  "timeoutMs",
  "maxBytes",
  "maxCachedBytes",
] satisfies (keyof HttpResourceProviderOptions)[];

/** @throws {TypeError} that names the option. @throws {UnsafeUrlError} for a base URL that the policy refuses. */
export function resolveHttpOptions(options: HttpResourceProviderOptions): HttpSettings {
  checkMembers(SUBJECT, options, KNOWN);
  const { urlPolicy = {}, resources = [], headers = {} } = options;
  const policy = compileUrlPolicy(urlPolicy);
  if (typeof options.baseUrl !== "string") {
    throw new TypeError(`${SUBJECT}: option "baseUrl" is required`);
  }
  const url = policy.assertUrl(options.baseUrl);
  if (url.search !== "" || url.hash !== "" || !url.pathname.endsWith("/")) {
    throw new TypeError(
      `${SUBJECT}: option "baseUrl" must end with "/" and hold no query, such as "https://example.com/docs/"`,
    );
  }
  const uriPrefix = checkUriPrefix(SUBJECT, options.uriPrefix ?? url.href);
  if (!uriPrefix.endsWith("/")) {
    throw new TypeError(`${SUBJECT}: option "uriPrefix" must end with "/"`);
  }
  if (typeof resources !== "function" && !Array.isArray(resources)) {
    throw new TypeError(`${SUBJECT}: option "resources" must be a list or a function`);
  }
  const number = (option: "timeoutMs" | "maxBytes" | "maxCachedBytes", fallback: number): number =>
    wholeNumber(SUBJECT, option, options[option] ?? fallback);
  return {
    name: options.name ?? "http",
    baseUrl: url.href,
    uriPrefix,
    resources: async (signal) => (typeof resources === "function" ? resources(signal) : resources),
    headers: { ...headers },
    urlPolicy,
    policy,
    timeoutMs: number("timeoutMs", 10_000),
    maxBytes: number("maxBytes", 10 * 1024 * 1024),
    maxCachedBytes: number("maxCachedBytes", 16 * 1024 * 1024),
  };
}
