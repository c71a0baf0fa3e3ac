import { isJsonObject, type JsonObject } from "@backplane/protocol";
import fc, { type Arbitrary } from "fast-check";

/** What wrong arguments hold in some place. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  "",
  "\u0000",
  "x".repeat(10_000),
  "__proto__",
  "../../etc/passwd",
  [],
  [[]],
  {},
  { __proto__: null, constructor: 1 },
];

type Path = readonly (string | number)[];

/** Arguments with something wrong in one place; whether they are wrong at all is for a validator to say. */
export function mutated(valid: Arbitrary<JsonObject>): Arbitrary<JsonObject> {
  return fc
    .tuple(valid, fc.nat(), fc.oneof(fc.constant("delete"), fc.constant("add"), fc.nat()))
    .map(([args, place, change]) => {
      const paths = pathsIn(args, []);
      if (change === "add" || paths.length === 0) {
        return { ...args, unknown_argument: STRANGE[place % STRANGE.length] } as JsonObject;
      }
      const path = paths[place % paths.length] as Path;
      return changedAt(
        args,
        path,
        change === "delete" ? undefined : STRANGE[(change as number) % STRANGE.length],
      ) as JsonObject;
    });
}

function pathsIn(value: unknown, path: Path): Path[] {
  const own = path.length === 0 ? [] : [path];
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((item, index) => pathsIn(item, [...path, index]))];
  }
  if (!isJsonObject(value)) return own;
  return [
    ...own,
    ...Object.entries(value).flatMap(([name, item]) => pathsIn(item, [...path, name])),
  ];
}

/** A copy with another value at the path; undefined takes it away. */
function changedAt(value: unknown, path: Path, to: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return to;
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => {
      if (index !== step) return [item];
      const changed = changedAt(item, rest, to);
      return changed === undefined ? [] : [changed];
    });
  }
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value as JsonObject)) {
    const changed = name === step ? changedAt(item, rest, to) : item;
    if (changed !== undefined) copy[name] = changed;
  }
  return copy;
}
