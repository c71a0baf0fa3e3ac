import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnv } from "../tooling/fixture.ts";
import { packAll } from "./packed.ts";
import { projectsIn, repository } from "./workspace.ts";

/** A user's program: it imports one entry of every package, the root where there is one, and answers one call. */
function program(entries: readonly string[]): string {
  const imports = entries.map((entry, i) => `import * as p${i} from ${JSON.stringify(entry)};`);
  return `
${imports.join("\n")}
import { MCPServer } from "@backplane/server";

for (const entry of [${entries.map((_, i) => `p${i}`).join(", ")}]) {
  if (Object.keys(entry).length === 0) throw new Error("an empty entry");
}

const server = new MCPServer({ name: "packed", version: "1.0.0" });
server.tool(
  "add",
  {
    description: "Adds two numbers",
    input: {
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number" } },
      required: ["a", "b"],
    },
  },
  (input) => {
    const { a, b } = input as { a: number; b: number };
    return { sum: a + b };
  },
);

const params = {
  name: "add",
  arguments: { a: 20, b: 22 },
  _meta: {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "smoke", version: "1.0.0" },
    "io.modelcontextprotocol/clientCapabilities": {},
  },
};
const response = await server.handler(
  new Request("http://127.0.0.1/mcp", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "add",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
  }),
);
console.log(await response.text());
`;
}

function mainEntryOf(name: string): string {
  const project = projectsIn(repository, "packages").find(({ manifest }) => manifest.name === name);
  const [first = "."] = Object.keys(project?.manifest.exports ?? {});
  return `${name}${first.slice(1)}`;
}

describe("packages installed from their tarballs, outside the workspace", () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "backplane-consumer-"));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const env = bareEnv(process.env["PATH"] ?? "");
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: root, env, encoding: "utf8" });

  it("install, type-check without skipLibCheck, and answer a call", () => {
    const packed = packAll();
    const files = packed.map(({ name, tarball }) => [name, `file:${tarball}`]);
    const manifest = { type: "module", dependencies: Object.fromEntries(files) };
    writeFileSync(join(root, "package.json"), JSON.stringify(manifest));
    run("npm", "install", "--no-audit", "--no-fund", "@types/node@20");

    const source = program(packed.map(({ name }) => mainEntryOf(name)));
    writeFileSync(join(root, "main.ts"), source);
    const compilerOptions = {
      target: "ES2023",
      module: "NodeNext",
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: ["node"],
    };
    writeFileSync(join(root, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    run(process.execPath, join(repository, "node_modules/typescript/bin/tsc"), "-p", ".");

    const [line = ""] = run(process.execPath, "main.js").split("\n");
    const { result } = JSON.parse(line) as { result: { structuredContent: unknown } };
    expect(result.structuredContent).toEqual({ sum: 42 });
  }, 300_000);
});
