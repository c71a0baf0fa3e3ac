/**
 * A JSON text as a tree of tokens. Unlike a value it can hold what no value holds: duplicate keys, an own
 * `__proto__`, numbers that no double is, tokens that are not JSON.
 */
export type JsonTree =
  | { readonly raw: string }
  | { readonly items: readonly JsonTree[] }
  | { readonly members: readonly JsonMember[] };

export type JsonMember = readonly [key: string, value: JsonTree];

/** From the root: the index of an item or member at each level. */
export type TreePath = readonly number[];

/** The tree of a value. The string `@id@` alone becomes a bare token: a number once it is filled in. */
export function treeOf(value: unknown): JsonTree {
  if (value === "@id@") return { raw: value };
  if (Array.isArray(value)) return { items: value.map(treeOf) };
  if (typeof value === "object" && value !== null) {
    return { members: Object.entries(value).map(([key, member]) => [key, treeOf(member)]) };
  }
  return { raw: JSON.stringify(value) };
}

export function textOf(tree: JsonTree): string {
  if ("raw" in tree) return tree.raw;
  if ("items" in tree) return `[${tree.items.map(textOf).join(",")}]`;
  return `{${tree.members.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join(",")}}`;
}

/** The path of every node, the root first. */
export function pathsOf(tree: JsonTree): TreePath[] {
  return [
    [],
    ...childrenOf(tree).flatMap((child, i) => pathsOf(child).map((path) => [i, ...path])),
  ];
}

export function nodeAt(tree: JsonTree, path: TreePath): JsonTree {
  return path.reduce((node, index) => childrenOf(node)[index] as JsonTree, tree);
}

/** The tree with another node at `path`. */
export function replaceAt(tree: JsonTree, path: TreePath, node: JsonTree): JsonTree {
  const [index, ...rest] = path;
  if (index === undefined) return node;
  if ("items" in tree) {
    return {
      items: tree.items.map((item, i) => (i === index ? replaceAt(item, rest, node) : item)),
    };
  }
  return onMembers(tree, (members) =>
    members.map(([key, value], i) => [key, i === index ? replaceAt(value, rest, node) : value]),
  );
}

/** The tree with the list that holds the node at `path` changed. The root is in no list. */
export function changeSiblings(
  tree: JsonTree,
  path: TreePath,
  change: {
    readonly items: (items: readonly JsonTree[], index: number) => readonly JsonTree[];
    readonly members: (members: readonly JsonMember[], index: number) => readonly JsonMember[];
  },
): JsonTree {
  const index = path.at(-1);
  if (index === undefined) return tree;
  const parentPath = path.slice(0, -1);
  const parent = nodeAt(tree, parentPath);
  const changed =
    "items" in parent
      ? { items: change.items(parent.items, index) }
      : onMembers(parent, (members) => change.members(members, index));
  return replaceAt(tree, parentPath, changed);
}

function childrenOf(tree: JsonTree): readonly JsonTree[] {
  if ("raw" in tree) return [];
  return "items" in tree ? tree.items : tree.members.map(([, value]) => value);
}

function onMembers(
  tree: JsonTree,
  change: (members: readonly JsonMember[]) => readonly JsonMember[],
): JsonTree {
  return "members" in tree ? { members: change(tree.members) } : tree;
}
