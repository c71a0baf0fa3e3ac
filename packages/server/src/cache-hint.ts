import type { CacheHint, CacheScope } from "@backplane/protocol";
import { checkMembers } from "@backplane/protocol";
import type { Call } from "./call.ts";
import type { CacheableOperation, ResolvedOptions } from "./options.ts";

/** @throws {TypeError} for a lifetime or scope that the wire form cannot carry (spec: server/utilities/caching). */
export function checkCacheHint(subject: string, hint: Partial<CacheHint>): void {
  checkMembers(subject, hint, ["ttlMs", "cacheScope"]);
  const { ttlMs, cacheScope } = hint;
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= 0)) {
    throw new TypeError(`${subject}: ttlMs must be a whole number of 0 or more`);
  }
  if (cacheScope !== undefined && cacheScope !== "public" && cacheScope !== "private") {
    throw new TypeError(`${subject}: cacheScope must be "public" or "private"`);
  }
}

/** How long results may be kept and by whom: told to clients, and to interceptors that keep results here. */
export class CacheHints {
  readonly #options: ResolvedOptions;
  /** Of operations, where the called primitive has none of its own. */
  readonly #operations = new Map<string, CacheHint>();

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  /** Undefined for a result that nobody may keep. A tool's hint is never sent: the wire form has none. */
  of(call: Call): CacheHint | undefined {
    const { method, cacheHint: own } = call;
    if (method === "tools/call") return own as CacheHint | undefined;
    if (own !== undefined) return this.#make(method, own);
    let hint = this.#operations.get(method);
    if (hint === undefined && call.peer.codec.methods.get(method)?.cacheable === true) {
      hint = this.#make(method, {});
      this.#operations.set(method, hint);
    }
    return hint;
  }

  #make(method: string, own: Partial<CacheHint>): CacheHint {
    const operation = method as CacheableOperation;
    const { cacheHints, policy } = this.#options;
    const given = { ...cacheHints[operation], ...own };
    const usual: CacheScope = operation === "resources/read" ? "private" : "public";
    // What a policy filters per principal must never be shared, whatever was configured (LESSONS 22).
    const cacheScope = policy?.perPrincipal === true ? "private" : (given.cacheScope ?? usual);
    return { ttlMs: given.ttlMs ?? 0, cacheScope };
  }
}
