import {
  type Authorizer,
  type Principal,
  type ProtectedPrimitive,
  type Resource,
  shareResult,
  type Tool,
  type WireCodec,
} from "@backplane/protocol";
import type { Call } from "./call.ts";
import { decodeCursor, decodePlace, pageAfter } from "./pagination.ts";
import type { PrimitiveTable, RegisteredPrimitive } from "./primitive-table.ts";
import { listProvided } from "./provider-listing.ts";
import type { Registry } from "./registry.ts";

interface ListRow<Entry extends RegisteredPrimitive> {
  readonly table: (registry: Registry) => PrimitiveTable<Entry>;
  /** The member of the result that holds the entries. */
  readonly member: string;
  readonly encode: (entry: Entry, codec: WireCodec) => object;
}

/** The four lists, as data. */
const ROWS: Readonly<Record<string, ListRow<RegisteredPrimitive>>> = {
  "tools/list": row(
    (registry) => registry.tools,
    "tools",
    (entry, codec) => codec.encodeTool(entry.definition as Tool),
  ),
  "prompts/list": row(
    (registry) => registry.prompts,
    "prompts",
    (entry) => entry.definition,
  ),
  "resources/list": row(
    (registry) => registry.resources,
    "resources",
    (entry) => entry.definition,
  ),
  "resources/templates/list": row(
    (registry) => registry.templates,
    "resourceTemplates",
    (entry) => entry.definition,
  ),
};

function row<Entry extends RegisteredPrimitive>(
  table: (registry: Registry) => PrimitiveTable<Entry>,
  member: string,
  encode: (entry: Entry, codec: WireCodec) => object,
): ListRow<RegisteredPrimitive> {
  return { table, member, encode } as unknown as ListRow<RegisteredPrimitive>;
}

/**
 * Answers the list methods. A whole page is made once per version of its table, codec and cursor, and
 * the result is the same frozen object each time, so that its JSON can be cached under it (response-encoder.ts).
 */
export class Listing {
  readonly #registry: Registry;
  readonly #policy: Authorizer | undefined;
  readonly #pageSize: number;
  readonly #pages = new Map<string, { readonly version: number; readonly result: object }>();

  constructor(registry: Registry, policy: Authorizer | undefined, pageSize: number) {
    this.#registry = registry;
    this.#policy = policy;
    this.#pageSize = pageSize;
  }

  list(call: Call): object | Promise<object> {
    if (call.method === "resources/list" && !this.#registry.providers.isEmpty) {
      return this.#withProvided(call);
    }
    const row = ROWS[call.method] as ListRow<RegisteredPrimitive>;
    const lastKey = decodeCursor(call.params.cursor);
    const table = row.table(this.#registry);
    const { codec, principal } = call.peer;
    if (this.#policy !== undefined) return this.#make(row, table, codec, lastKey, principal);
    // Only first pages are kept: their number is bounded by the codecs, not by what clients send.
    if (lastKey !== undefined) return this.#make(row, table, codec, lastKey, principal);
    const cacheKey = `${codec.revision} ${call.method}`;
    const cached = this.#pages.get(cacheKey);
    if (cached?.version === table.version) return cached.result;
    const result = shareResult(this.#make(row, table, codec, lastKey, principal));
    this.#pages.set(cacheKey, { version: table.version, result });
    return result;
  }

  /** Registered resources first, then what the providers have: their lists are theirs, so nothing is kept. */
  async #withProvided(call: Call): Promise<object> {
    const place = decodePlace(call.params.cursor);
    const policy = this.#policy;
    const { principal } = call.peer;
    const isHidden = (protection: ProtectedPrimitive): boolean =>
      policy?.decide(principal, protection).effect === "hide";
    let registered: readonly Resource[] = [];
    if (typeof place !== "object") {
      const visible = this.#registry.resources
        .ordered()
        .filter((entry) => !isHidden(entry.protection));
      const { page, nextCursor } = pageAfter(visible, place, this.#pageSize);
      registered = page.map((entry) => entry.definition);
      if (nextCursor !== undefined) return { resources: registered, nextCursor };
    }
    const { resources, nextCursor } = await listProvided(
      call,
      this.#registry.providers.ordered(),
      typeof place === "object" ? place : undefined,
      this.#pageSize - registered.length,
      (provider, uri) => !isHidden(provider.protectionOf(uri)),
    );
    return {
      resources: [...registered, ...resources],
      ...(nextCursor !== undefined && { nextCursor }),
    };
  }

  #make(
    row: ListRow<RegisteredPrimitive>,
    table: PrimitiveTable<RegisteredPrimitive>,
    codec: WireCodec,
    lastKey: string | undefined,
    principal: Principal | undefined,
  ): object {
    const policy = this.#policy;
    const visible =
      policy === undefined
        ? table.ordered()
        : table
            .ordered()
            .filter((entry) => policy.decide(principal, entry.protection).effect !== "hide");
    const { page, nextCursor } = pageAfter(visible, lastKey, this.#pageSize);
    return {
      [row.member]: page.map((entry) => row.encode(entry, codec)),
      ...(nextCursor !== undefined && { nextCursor }),
    };
  }
}
