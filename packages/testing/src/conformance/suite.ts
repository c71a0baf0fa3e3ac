import { execFileSync, spawn } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

const PACKAGE = "@modelcontextprotocol/conformance";
const MINIMUM_NODE_MAJOR = 22;

/** The official suite cannot run here; the message says what is missing and how to get it. */
export class ConformanceSetupError extends Error {
  override readonly name: string = "ConformanceSetupError";
}

/**
 * The folder of the installed suite, looked for from `from` upwards.
 * @throws {ConformanceSetupError} when it is not installed.
 */
export function findSuite(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, "node_modules", PACKAGE);
    if (existsSync(join(found, "dist", "index.js"))) return found;
    if (dirname(folder) === folder) break;
  }
  throw new ConformanceSetupError(
    `The official suite is not installed: run "npm install --save-dev ${PACKAGE}", or give its folder in the option "suite"`,
  );
}

/**
 * A Node that the suite runs on: the given one, this one, or the first on PATH that is new enough.
 * @throws {ConformanceSetupError} when there is none.
 */
export function findNode(
  given: string | undefined,
  path: string = process.env["PATH"] ?? "",
): string {
  if (given !== undefined) {
    const major = majorOf(given);
    if (major !== undefined && major >= MINIMUM_NODE_MAJOR) return given;
    const is = major === undefined ? "does not start" : `is Node ${major}`;
    throw new ConformanceSetupError(
      `The option "node" must name a Node ${MINIMUM_NODE_MAJOR} or later; ${given} ${is}`,
    );
  }
  if (Number.parseInt(process.versions.node, 10) >= MINIMUM_NODE_MAJOR) return process.execPath;
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, process.platform === "win32" ? "node.exe" : "node");
    if (isExecutable(candidate) && (majorOf(candidate) ?? 0) >= MINIMUM_NODE_MAJOR)
      return candidate;
  }
  throw new ConformanceSetupError(
    `The official suite needs Node ${MINIMUM_NODE_MAJOR} or later; this is ${process.version}, and PATH has none. Install one beside it, and give its path in the option "node"`,
  );
}

/** Runs the suite's command line; resolves with everything it printed. */
export function runSuite({
  suite,
  node,
  args,
}: {
  readonly suite: string;
  readonly node: string;
  readonly args: readonly string[];
}): Promise<string> {
  const child = spawn(node, [join(suite, "dist", "index.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve(Buffer.concat(chunks).toString("utf8")));
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function majorOf(node: string): number | undefined {
  try {
    const version = execFileSync(node, ["--version"], { encoding: "utf8" });
    const major = Number.parseInt(version.trim().replace(/^v/, ""), 10);
    return Number.isInteger(major) ? major : undefined;
  } catch {
    return undefined;
  }
}
