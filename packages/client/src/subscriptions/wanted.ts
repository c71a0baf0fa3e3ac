import type { ChangeEvent, ListenFilter } from "../subscription-types.ts";
import { isWithin, LIST_KINDS, LIST_MEMBERS, type ListKind } from "./changes.ts";

/** A {@link ListenFilter}, ready for set operations. */
export interface Wanted {
  readonly lists: ReadonlySet<ListKind>;
  readonly uris: ReadonlySet<string>;
}

const MEMBERS: ReadonlySet<string> = new Set([
  ...Object.values(LIST_MEMBERS),
  "resourceSubscriptions",
]);

/**
 * Reads what a caller gives.
 * @throws {TypeError} that names the member, also when nothing is asked for.
 */
export function readFilter(filter: ListenFilter): Wanted {
  if (typeof filter !== "object" || filter === null) {
    throw new TypeError("listen: the filter must be an object");
  }
  for (const member of Object.keys(filter)) {
    if (!MEMBERS.has(member)) {
      throw new TypeError(
        `listen: unknown member "${member}" of the filter; known: ${[...MEMBERS].join(", ")}`,
      );
    }
  }
  const lists = LIST_KINDS.filter((kind) => {
    const value = filter[LIST_MEMBERS[kind]];
    if (value !== undefined && typeof value !== "boolean") {
      throw new TypeError(`listen: "${LIST_MEMBERS[kind]}" must be true or false`);
    }
    return value === true;
  });
  const { resourceSubscriptions: uris = [] } = filter;
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === "string" && uri !== "")) {
    throw new TypeError('listen: "resourceSubscriptions" must be a list of URIs');
  }
  const wanted = { lists: new Set(lists), uris: new Set<string>(uris) };
  if (isEmpty(wanted)) throw new TypeError("listen: the filter asks for nothing");
  return wanted;
}

/** The part of an acknowledged filter that was asked for; undefined when it is no filter at all. */
export function readHonoured(filter: unknown, wanted: Wanted): Wanted | undefined {
  if (typeof filter !== "object" || filter === null || Array.isArray(filter)) return undefined;
  const said = filter as Readonly<Record<string, unknown>>;
  const uris: readonly unknown[] = Array.isArray(said.resourceSubscriptions)
    ? said.resourceSubscriptions
    : [];
  return {
    lists: new Set([...wanted.lists].filter((kind) => said[LIST_MEMBERS[kind]] === true)),
    uris: new Set(uris.filter((uri): uri is string => wanted.uris.has(uri as string))),
  };
}

/** As it stands on the wire, and as callers see it. */
export function toFilter({ lists, uris }: Wanted): ListenFilter {
  return {
    ...Object.fromEntries([...lists].map((kind) => [LIST_MEMBERS[kind], true])),
    ...(uris.size > 0 && { resourceSubscriptions: [...uris] }),
  };
}

export function unionOf(all: Iterable<Wanted>): Wanted {
  const lists = new Set<ListKind>();
  const uris = new Set<string>();
  for (const one of all) {
    for (const kind of one.lists) lists.add(kind);
    for (const uri of one.uris) uris.add(uri);
  }
  return { lists, uris };
}

export function intersectionOf(one: Wanted, other: Wanted): Wanted {
  return {
    lists: new Set([...one.lists].filter((kind) => other.lists.has(kind))),
    uris: new Set([...one.uris].filter((uri) => other.uris.has(uri))),
  };
}

export function isEmpty({ lists, uris }: Wanted): boolean {
  return lists.size === 0 && uris.size === 0;
}

/** Whether all of `part` is in `whole`. */
export function includes(whole: Wanted, part: Wanted): boolean {
  return isSame(intersectionOf(part, whole), part);
}

export function isSame(one: Wanted, other: Wanted): boolean {
  return sameSet(one.lists, other.lists) && sameSet(one.uris, other.uris);
}

/** Whether an event is of something wanted: of a list, of a resource or of a part of one. */
export function covers({ lists, uris }: Wanted, event: ChangeEvent): boolean {
  if (event.kind !== "resource") return lists.has(event.kind);
  if (uris.has(event.uri)) return true;
  for (const uri of uris) if (isWithin(event.uri, uri)) return true;
  return false;
}

/** One change of each thing: what a loss may have hidden. */
export function everyChange({ lists, uris }: Wanted): readonly ChangeEvent[] {
  return [
    ...[...lists].map((kind): ChangeEvent => ({ kind })),
    ...[...uris].map((uri): ChangeEvent => ({ kind: "resource", uri })),
  ];
}

function sameSet(one: ReadonlySet<unknown>, other: ReadonlySet<unknown>): boolean {
  if (one.size !== other.size) return false;
  for (const member of one) if (!other.has(member)) return false;
  return true;
}
