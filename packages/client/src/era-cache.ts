import {
  type Clock,
  digest,
  type Era,
  eraOf,
  isJsonObject,
  isRevision,
  type Revision,
  systemClock,
  wholeNumber,
} from "@backplane/protocol";

/** What negotiation with a server settled on. Plain JSON, so that it can be kept anywhere. */
export interface EraVerdict {
  readonly era: Era;
  readonly revision: Revision;
  /** `sse` is the HTTP+SSE transport of 2024-11-05. */
  readonly transport: "http" | "sse" | "stdio";
  /** When it was settled, in milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Remembers which era a server speaks, so that a later connection begins with what worked (spec:
 * basic/versioning). A verdict that no longer holds is found out and replaced: nothing depends on its truth.
 * The methods may fail: the client then negotiates from the start. Keys carry no credentials.
 */
export interface EraCache {
  get(key: string): EraVerdict | undefined | Promise<EraVerdict | undefined>;
  set(key: string, verdict: EraVerdict): void | Promise<void>;
  delete(key: string): void | Promise<void>;
}

/** Settings of {@link createEraCache}. */
export interface EraCacheOptions {
  /** Servers that are remembered; the one settled longest ago goes first. Default 1,000; a whole number of 1 or more. */
  readonly maxEntries?: number;
  /** How long a verdict is believed, in milliseconds. Default 3,600,000 (an hour); a whole number of 1 or more. */
  readonly ttlMs?: number;
  /** Default: the machine's time. */
  readonly clock?: Pick<Clock, "now">;
}

const DEFAULT_MAX_ENTRIES = 1_000;
const DEFAULT_TTL_MS = 3_600_000;
const TRANSPORTS: readonly unknown[] = ["http", "sse", "stdio"] satisfies EraVerdict["transport"][];

/**
 * An era cache in memory.
 * @throws {TypeError} that names the option that is no whole number of 1 or more.
 */
export function createEraCache(options: EraCacheOptions = {}): EraCache {
  const subject = "createEraCache";
  const maxEntries = wholeNumber(subject, "maxEntries", options.maxEntries ?? DEFAULT_MAX_ENTRIES);
  const ttlMs = wholeNumber(subject, "ttlMs", options.ttlMs ?? DEFAULT_TTL_MS);
  const { clock = systemClock } = options;
  const verdicts = new Map<string, EraVerdict>();
  return {
    get(key) {
      const verdict = verdicts.get(key);
      if (verdict === undefined || clock.now() - verdict.at < ttlMs) return verdict;
      verdicts.delete(key);
      return undefined;
    },
    set(key, verdict) {
      verdicts.delete(key);
      verdicts.set(key, verdict);
      if (verdicts.size <= maxEntries) return;
      const [oldest] = verdicts.keys();
      verdicts.delete(oldest as string);
    },
    delete(key) {
      verdicts.delete(key);
    },
  };
}

/** The cache of all clients of this process that are given none. */
export const processEraCache: EraCache = createEraCache();

/** The key of an endpoint over HTTP: origin and path. The query may hold a credential, and names no other server. */
export function httpEraKey(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The key of a local server: its command line and folder as a digest, since arguments may hold credentials. */
export async function stdioEraKey(server: {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
}): Promise<string> {
  const { command, args, cwd = "" } = server;
  return `stdio:${await digest(JSON.stringify([command, args, cwd]))}`;
}

/** What a cache gave, or undefined when it is no verdict: what was stored elsewhere may be anything. */
export function asVerdict(value: unknown): EraVerdict | undefined {
  if (!isJsonObject(value)) return undefined;
  const { era, revision, transport, at } = value;
  const known = typeof revision === "string" && isRevision(revision) && eraOf(revision) === era;
  if (!known || !TRANSPORTS.includes(transport) || typeof at !== "number") return undefined;
  // HTTP+SSE has no modern form.
  return transport === "sse" && era === "modern" ? undefined : (value as unknown as EraVerdict);
}
