import { checkMembers, wholeNumber } from "@backplane/protocol";

/** How a value is kept. */
export interface SetOptions {
  /** How long it is fresh, in milliseconds; 1 or more. Default: the cache's `defaultTtlMs`. */
  readonly ttlMs?: number;
  /** What it belongs to: `invalidateTags` makes it a miss. At most 32, of 512 characters each. */
  readonly tags?: readonly string[];
}

/** What a loader is given. */
export interface LoadContext {
  /** Fires when nobody waits for the value any more. */
  readonly signal: AbortSignal;
}

/** How `getOrSet` loads and keeps a value. */
export interface GetOrSetOptions extends SetOptions {
  /**
   * So long after its freshness a value is still given, at once, while one load in the background renews it.
   * In milliseconds. Default 0.
   */
  readonly staleWhileRevalidateMs?: number;
  /** So long after its freshness a value is given if the loader fails. In milliseconds. Default 0. */
  readonly graceMs?: number;
  /** How long "there is none" (the loader gave undefined) is kept, in milliseconds. Default 0: not at all. */
  readonly negativeTtlMs?: number;
  /** Ends the wait of this caller; the load goes on for others who wait for it. */
  readonly signal?: AbortSignal;
}

/** {@link GetOrSetOptions}, complete. */
export interface ResolvedGetOrSet {
  readonly ttlMs: number;
  readonly tags: readonly string[];
  readonly staleWhileRevalidateMs: number;
  readonly graceMs: number;
  readonly negativeTtlMs: number;
  readonly signal: AbortSignal | undefined;
}

const SET_MEMBERS: readonly string[] = ["ttlMs", "tags"] satisfies (keyof SetOptions)[];
const GET_OR_SET_MEMBERS: readonly string[] = [
  ...SET_MEMBERS,
  ...([
    "staleWhileRevalidateMs",
    "graceMs",
    "negativeTtlMs",
    "signal",
  ] satisfies (keyof GetOrSetOptions)[]),
];
const NO_TAGS: readonly string[] = Object.freeze([]);
const MAX_TAGS = 32;
const MAX_TAG_LENGTH = 512;

/** @throws {TypeError} that names the option. */
export function resolveSet(
  subject: string,
  options: SetOptions | undefined,
  defaultTtlMs: number,
): { readonly ttlMs: number; readonly tags: readonly string[] } {
  if (options === undefined) return { ttlMs: defaultTtlMs, tags: NO_TAGS };
  checkMembers(subject, options, SET_MEMBERS);
  return { ttlMs: ttlOf(subject, options, defaultTtlMs), tags: tagsOf(subject, options.tags) };
}

/** @throws {TypeError} that names the option. */
export function resolveGetOrSet(
  subject: string,
  options: GetOrSetOptions | undefined,
  defaultTtlMs: number,
): ResolvedGetOrSet {
  const given = options ?? {};
  checkMembers(subject, given, GET_OR_SET_MEMBERS);
  return {
    ttlMs: ttlOf(subject, given, defaultTtlMs),
    tags: tagsOf(subject, given.tags),
    staleWhileRevalidateMs: spanOf(subject, "staleWhileRevalidateMs", given.staleWhileRevalidateMs),
    graceMs: spanOf(subject, "graceMs", given.graceMs),
    negativeTtlMs: spanOf(subject, "negativeTtlMs", given.negativeTtlMs),
    signal: given.signal,
  };
}

/** @throws {TypeError} for tags that are too many, too long or no text. */
export function tagsOf(subject: string, tags: readonly string[] | undefined): readonly string[] {
  if (tags === undefined) return NO_TAGS;
  const legal = (tag: unknown): boolean =>
    typeof tag === "string" && tag !== "" && tag.length <= MAX_TAG_LENGTH;
  if (!Array.isArray(tags) || tags.length > MAX_TAGS || !tags.every(legal)) {
    throw new TypeError(
      `${subject}: option "tags" must be at most ${MAX_TAGS} texts of 1 to ${MAX_TAG_LENGTH} characters`,
    );
  }
  return tags;
}

function ttlOf(subject: string, { ttlMs }: SetOptions, defaultTtlMs: number): number {
  return ttlMs === undefined ? defaultTtlMs : wholeNumber(subject, "ttlMs", ttlMs);
}

function spanOf(subject: string, option: string, value: number | undefined): number {
  if (value === undefined || value === 0) return 0;
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new TypeError(
    `${subject}: option "${option}" must be a whole number of 0 or more, not ${String(value)}`,
  );
}
