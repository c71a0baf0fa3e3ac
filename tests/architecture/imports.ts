import { readFileSync } from "node:fs";
import { parseSync, Visitor } from "oxc-parser";

/** One import of a module, as the source text says it. */
export interface Import {
  readonly specifier: string;
  /**
   * `dynamic` waits for a function to be called: an `await import()` at the top of a module loads
   * with it, as `static`. `type` is gone after compilation.
   */
  readonly kind: "static" | "dynamic" | "type";
}

/** All imports and re-exports of one TypeScript or JavaScript file. */
export function importsOf(file: string): Import[] {
  const { program, errors } = parseSync(file, readFileSync(file, "utf8"));
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file}: ${error.message}`);
  const found: Import[] = [];
  const add = (specifier: unknown, kind: Import["kind"]): void => {
    if (typeof specifier === "string") found.push({ specifier, kind });
  };
  let depth = 0;
  const enter = (): void => {
    depth += 1;
  };
  const leave = (): void => {
    depth -= 1;
  };
  new Visitor({
    FunctionDeclaration: enter,
    "FunctionDeclaration:exit": leave,
    FunctionExpression: enter,
    "FunctionExpression:exit": leave,
    ArrowFunctionExpression: enter,
    "ArrowFunctionExpression:exit": leave,
    ImportDeclaration: (node) =>
      add(node.source.value, node.importKind === "type" ? "type" : "static"),
    ExportAllDeclaration: (node) =>
      add(node.source.value, node.exportKind === "type" ? "type" : "static"),
    ExportNamedDeclaration: (node) =>
      add(node.source?.value, node.exportKind === "type" ? "type" : "static"),
    ImportExpression: (node) => add(constant(node.source), depth > 0 ? "dynamic" : "static"),
    TSImportType: (node) => add(constant(node.source), "type"),
    TSExternalModuleReference: (node) => add(node.expression.value, "static"),
    CallExpression: (node) => {
      if (node.callee.type !== "Identifier" || node.callee.name !== "require") return;
      const [argument] = node.arguments;
      if (argument !== undefined) add(constant(argument), "static");
    },
  }).visit(program);
  return found;
}

/** The value of a string literal or of a template without holes. */
function constant(node: { readonly type: string }): unknown {
  if ("value" in node) return node.value;
  if (!("quasis" in node) || !Array.isArray(node.quasis) || node.quasis.length !== 1) return;
  return node.quasis[0].value.cooked;
}
