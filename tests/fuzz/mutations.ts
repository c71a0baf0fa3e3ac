import fc from "fast-check";
import { changeSiblings, type JsonTree, nodeAt, pathsOf, replaceAt, textOf } from "./json-tree.ts";
import type { HeaderList } from "./seed-messages.ts";
import { headerName, headerValue, jsonText, memberName, TYPE_TEXTS } from "./values.ts";

/** One change of a tree. `at` counts its nodes, round and round. */
export type TreeMutation = { readonly at: number } & (
  | { readonly act: "drop" }
  | { readonly act: "twice"; readonly text: string }
  | { readonly act: "rename"; readonly name: string }
  | { readonly act: "replace"; readonly text: string }
  | { readonly act: "insert"; readonly name: string; readonly text: string }
  | { readonly act: "copy"; readonly from: number }
  | { readonly act: "wrap"; readonly in: "array" | "object" }
  | { readonly act: "nest"; readonly levels: number; readonly in: "array" | "object" }
  | { readonly act: "append"; readonly suffix: string }
);

// The first nodes are the envelope: without it nothing of a message is looked at, so it is rarely changed.
const at = fc.oneof({ weight: 7, arbitrary: fc.integer({ min: 4, max: 60 }) }, fc.nat(60));
const container = fc.constantFrom("array" as const, "object" as const);

export const treeMutation: fc.Arbitrary<TreeMutation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ at, act: fc.constant("drop" as const) }) },
  { weight: 2, arbitrary: fc.record({ at, act: fc.constant("twice" as const), text: jsonText }) },
  {
    weight: 2,
    arbitrary: fc.record({ at, act: fc.constant("rename" as const), name: memberName }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ at, act: fc.constant("replace" as const), text: jsonText }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      at,
      act: fc.constant("insert" as const),
      name: memberName,
      text: jsonText,
    }),
  },
  { weight: 1, arbitrary: fc.record({ at, act: fc.constant("copy" as const), from: at }) },
  { weight: 1, arbitrary: fc.record({ at, act: fc.constant("wrap" as const), in: container }) },
  {
    weight: 1,
    arbitrary: fc.record({
      at,
      act: fc.constant("nest" as const),
      levels: fc.constantFrom(2, 20, 60, 64, 65, 200, 20_000),
      in: container,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      at,
      act: fc.constant("append" as const),
      suffix: fc.oneof(fc.string({ unit: "binary", maxLength: 8 }), fc.constant("\u0000")),
    }),
  },
);

/** Without the node, and with a value of each type in its place. */
export function sweepMutations(at: number): readonly TreeMutation[] {
  return [
    { at, act: "drop" },
    ...TYPE_TEXTS.map((text): TreeMutation => ({ at, act: "replace", text })),
  ];
}

export function mutateTree(tree: JsonTree, mutation: TreeMutation): JsonTree {
  const paths = pathsOf(tree);
  const path = paths[mutation.at % paths.length] ?? [];
  const node = nodeAt(tree, path);
  switch (mutation.act) {
    case "drop":
      return changeSiblings(tree, path, { items: without, members: without });
    case "twice":
      return changeSiblings(tree, path, {
        items: (items, index) => [...items, items[index] as JsonTree],
        members: (members, index) => [
          ...members,
          [members[index]?.[0] ?? "", { raw: mutation.text }],
        ],
      });
    case "rename":
      return changeSiblings(tree, path, {
        items: (items) => items,
        members: (members, index) =>
          members.map(([key, value], i) => [i === index ? mutation.name : key, value]),
      });
    case "replace":
      return replaceAt(tree, path, { raw: mutation.text });
    case "insert":
      return "members" in node
        ? replaceAt(tree, path, {
            members: [...node.members, [mutation.name, { raw: mutation.text }]],
          })
        : replaceAt(tree, path, { members: [[mutation.name, { raw: mutation.text }]] });
    case "copy":
      return replaceAt(tree, path, nodeAt(tree, paths[mutation.from % paths.length] ?? []));
    case "wrap":
      return replaceAt(tree, path, wrapped(node, mutation.in));
    case "nest": {
      const [open, close] = mutation.in === "array" ? ["[", "]"] : ['{"a":', "}"];
      const text = textOf(node);
      return replaceAt(tree, path, {
        raw: open.repeat(mutation.levels) + text + close.repeat(mutation.levels),
      });
    }
    case "append":
      return replaceAt(tree, path, { raw: appended(textOf(node), mutation.suffix) });
  }
}

function without<Entry>(entries: readonly Entry[], index: number): readonly Entry[] {
  return entries.filter((_, i) => i !== index);
}

function wrapped(node: JsonTree, kind: "array" | "object"): JsonTree {
  return kind === "array" ? { items: [node] } : { members: [["value", node]] };
}

/** Into a string when it is one, after the token otherwise. */
function appended(text: string, suffix: string): string {
  const escaped = JSON.stringify(suffix).slice(1, -1);
  return text.endsWith('"') ? `${text.slice(0, -1)}${escaped}"` : text + escaped;
}

/** One change of the bytes of a body. `at` is a share of its length, in thousandths. */
export type ByteMutation =
  | { readonly act: "truncate"; readonly at: number }
  | { readonly act: "flip"; readonly at: number; readonly mask: number }
  | { readonly act: "insert"; readonly at: number; readonly bytes: readonly number[] }
  | { readonly act: "repeat"; readonly times: number }
  | { readonly act: "batch"; readonly times: number }
  | { readonly act: "pad"; readonly toBytes: number };

const share = fc.nat(1_000);
const MIB = 1024 * 1024;

/** Sequences that are not UTF-8, and bytes that parsers treat in their own way. */
const BYTES: readonly (readonly number[])[] = [
  [0xff],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0x80],
  [0x00],
  [0x0a],
  [0x0d, 0x0a],
  [0x7f],
  [0xef, 0xbb, 0xbf],
  [0x22],
  [0x5c],
  [0x7d],
  [0x2c],
];

export const byteMutation: fc.Arbitrary<ByteMutation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant("truncate" as const), at: share }) },
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant("flip" as const),
      at: share,
      mask: fc.integer({ min: 1, max: 255 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant("insert" as const),
      at: share,
      bytes: fc.constantFrom(...BYTES),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant("repeat" as const), times: fc.constantFrom(2, 3) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant("batch" as const),
      times: fc.constantFrom(0, 1, 2, 50, 51),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant("pad" as const),
      // Around the default limit of a body, and far below it.
      toBytes: fc.constantFrom(100_000, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 5 * MIB),
    }),
  },
);

export function mutateBytes(body: Buffer, mutation: ByteMutation): Buffer {
  const index = "at" in mutation ? Math.floor((body.length * mutation.at) / 1_000) : 0;
  switch (mutation.act) {
    case "truncate":
      return body.subarray(0, index);
    case "flip": {
      const copy = Buffer.from(body);
      copy[index] = (copy[index] ?? 0) ^ mutation.mask;
      return copy;
    }
    case "insert":
      return Buffer.concat([
        body.subarray(0, index),
        Buffer.from(mutation.bytes),
        body.subarray(index),
      ]);
    case "repeat":
      return Buffer.concat(copiesOf(body, mutation.times));
    case "batch":
      return Buffer.from(`[${copiesOf(body.toString("utf8"), mutation.times).join(",")}]`);
    case "pad":
      return Buffer.concat([body, Buffer.alloc(Math.max(0, mutation.toBytes - body.length), 0x20)]);
  }
}

/** No more than make a body that is far too large: beyond it a server may give up reading. */
function copiesOf<Body extends Buffer | string>(body: Body, times: number): Body[] {
  return new Array<Body>(Math.min(times, Math.ceil((16 * MIB) / body.length))).fill(body);
}

/** One change of a list of headers. `at` counts them, round and round. */
export type HeaderMutation =
  | { readonly act: "drop"; readonly at: number }
  | { readonly act: "odd-case"; readonly at: number }
  | { readonly act: "set"; readonly at: number; readonly value: string }
  | { readonly act: "twice"; readonly at: number; readonly value: string }
  | { readonly act: "add"; readonly name: string; readonly value: string };

const headerAt = fc.nat(10);

export const headerMutation: fc.Arbitrary<HeaderMutation> = fc.oneof(
  fc.record({ act: fc.constant("drop" as const), at: headerAt }),
  fc.record({ act: fc.constant("odd-case" as const), at: headerAt }),
  fc.record({ act: fc.constant("set" as const), at: headerAt, value: headerValue }),
  fc.record({ act: fc.constant("twice" as const), at: headerAt, value: headerValue }),
  fc.record({ act: fc.constant("add" as const), name: headerName, value: headerValue }),
);

export function mutateHeaders(headers: HeaderList, mutation: HeaderMutation): HeaderList {
  if (mutation.act === "add") return [...headers, [mutation.name, mutation.value]];
  const chosen = headers[mutation.at % headers.length];
  if (chosen === undefined) return headers;
  switch (mutation.act) {
    case "drop":
      return headers.filter((header) => header !== chosen);
    case "odd-case":
      return headers.map((header) =>
        header === chosen ? [oddCase(chosen[0]), chosen[1]] : header,
      );
    case "set":
      return headers.map((header) => (header === chosen ? [chosen[0], mutation.value] : header));
    case "twice":
      return [...headers, [chosen[0], mutation.value]];
  }
}

function oddCase(name: string): string {
  return [...name].map((c, i) => (i % 2 === 0 ? c.toUpperCase() : c.toLowerCase())).join("");
}
