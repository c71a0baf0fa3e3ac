import { type Comment, parseSync } from "oxc-parser";

/** A source file by its path from the root of the repository. */
export interface SourceFile {
  readonly path: string;
  readonly source: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const testFunctions = new Set(["it", "test", "describe"]);
const notRun = new Set(["skip", "todo", "skipIf", "runIf", "fails"]);
const idList = /\[([A-Z]+2[56]-\d\d[a-z]?(?:,\s*[A-Z]+2[56]-\d\d[a-z]?)*)\]/g;

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value;
}

/** Visits a syntax tree; `visit` answers whether to go deeper. */
function walk(value: unknown, visit: (node: Node) => boolean): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
  } else if (isNode(value) && visit(value)) {
    for (const child of Object.values(value)) walk(child, visit);
  }
}

function parse(file: SourceFile): { program: unknown; comments: readonly Comment[] } {
  const { program, comments, errors } = parseSync(file.path, file.source);
  if (errors[0]) throw new Error(`${file.path}: ${errors[0].message}`);
  return { program, comments };
}

interface Callee {
  readonly root: string | undefined;
  readonly modifiers: readonly string[];
  /** The tables of `each` and `for`: their strings become part of the names of tests. */
  readonly tables: readonly unknown[];
}

/** Takes `describe.each(table)`, `it.skip`, `test` apart. */
function describeCallee(node: unknown): Callee {
  const modifiers: string[] = [];
  const tables: unknown[] = [];
  let current = node;
  while (isNode(current)) {
    if (current.type === "Identifier")
      return { root: current["name"] as string, modifiers, tables };
    if (current.type === "CallExpression") {
      tables.push(current["arguments"]);
      current = current["callee"];
    } else if (current.type === "MemberExpression") {
      const property = current["property"];
      if (isNode(property)) modifiers.push(String(property["name"]));
      current = current["object"];
    } else break;
  }
  return { root: undefined, modifiers, tables };
}

function stringsIn(value: unknown): string[] {
  const strings: string[] = [];
  walk(value, (node) => {
    if (node.type === "Literal" && typeof node["value"] === "string") strings.push(node["value"]);
    if (node.type === "TemplateElement") {
      strings.push((node["value"] as { cooked: string | null }).cooked ?? "");
    }
    return true;
  });
  return strings;
}

/** The ids in the names of tests that run: `it("[S26-04] …")`, tables of `it.each` included. */
export function citedIds(file: SourceFile): Set<string> {
  const ids = new Set<string>();
  walk(parse(file).program, (node) => {
    if (node.type !== "CallExpression") return true;
    const { root, modifiers, tables } = describeCallee(node["callee"]);
    if (root === undefined || !testFunctions.has(root)) return true;
    if (modifiers.some((modifier) => notRun.has(modifier))) return false;
    const [name] = node["arguments"] as readonly unknown[];
    for (const text of [...stringsIn(name), ...stringsIn(tables)]) {
      for (const match of text.matchAll(idList)) {
        for (const id of (match[1] as string).split(/,\s*/)) ids.add(id);
      }
    }
    return true;
  });
  return ids;
}

/** The modules that a file imports, as written. */
export function importsOf(file: SourceFile): string[] {
  const specifiers: string[] = [];
  walk(parse(file).program, (node) => {
    if (node.type === "ImportDeclaration") {
      const source = node["source"];
      if (isNode(source)) specifiers.push(String(source["value"]));
    }
    return true;
  });
  return specifiers;
}

/** The TSDoc of an exported declaration or one of its members; undefined when there is none. */
export function docCommentOf(file: SourceFile, symbol: string): string | undefined {
  const { program, comments } = parse(file);
  const [declaration, member] = symbol.split(".");
  let target: Node | undefined;
  walk(program, (node) => {
    if (node.type !== "ExportNamedDeclaration") return true;
    const declared = node["declaration"];
    if (isNode(declared) && namesOf(declared).includes(declaration as string)) target = node;
    return false;
  });
  if (target && member !== undefined) target = memberOf(target, member);
  if (!target) return undefined;
  const { start } = target;
  const before = comments.findLast(
    (comment) =>
      comment.end <= start &&
      comment.type === "Block" &&
      comment.value.startsWith("*") &&
      /^\s*$/.test(file.source.slice(comment.end, start)),
  );
  return before?.value.replace(/\n\s*\* ?/g, " ");
}

function namesOf(declaration: Node): string[] {
  const named = Array.isArray(declaration["declarations"])
    ? (declaration["declarations"] as Node[])
    : [declaration];
  return named.map((node) => (isNode(node["id"]) ? String(node["id"]["name"]) : ""));
}

function memberOf(declaration: Node, name: string): Node | undefined {
  let found: Node | undefined;
  walk(declaration, (node) => {
    const key = node["key"];
    if (!found && isNode(key) && key["name"] === name) found = node;
    return found === undefined;
  });
  return found;
}
