import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { filesBelow, projectsIn } from "./workspace.ts";

/**
 * What Node 20 cannot run of the built packages, as sentences. The bundler leaves the syntax of the sources as it is,
 * and TypeScript accepts newer syntax than the floor has. Newer names are found by the type check: its library is
 * that of ES2023, its types of Node those of Node 20.
 */
export function floorViolations(root: string): string[] {
  return projectsIn(root, "packages").flatMap(({ folder, path }) =>
    filesBelow(join(path, "dist"))
      .filter((file) => file.endsWith(".js"))
      .flatMap((file) =>
        newerSyntax(join(path, "dist", file)).map(
          (what) => `${folder}/dist/${file} has ${what}, which Node 20 cannot parse`,
        ),
      ),
  );
}

function newerSyntax(file: string): string[] {
  const { program, errors } = parseSync(file, readFileSync(file, "utf8"));
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file}: ${error.message}`);
  const found = new Set<string>();
  new Visitor({
    VariableDeclaration: ({ kind }) => {
      if (kind === "using" || kind === "await using") found.add(`"${kind}"`);
    },
    Decorator: () => void found.add("a decorator"),
    AccessorProperty: () => void found.add('"accessor"'),
    ImportDeclaration: ({ phase }) => {
      if (phase !== null) found.add(`"import ${phase}"`);
    },
    ImportExpression: ({ phase }) => {
      if (phase !== null) found.add(`"import.${phase}"`);
    },
  }).visit(program);
  return [...found];
}
