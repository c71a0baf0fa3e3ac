import { type ServerSurface, surfaceOf } from "./surface.ts";
import { compareSurfaces, formatChanges, type SurfaceChange } from "./surface-diff.ts";
import type { MCPTestClientOptions } from "./test-client-options.ts";
import type { TestTarget } from "./test-server.ts";

/** What `checkContract` takes. */
export interface ContractOptions {
  /** Write what the server shows now. Default: whether the environment has `UPDATE_CONTRACTS=1`. */
  readonly update?: boolean;
  /** Who looks at the server, and how. Default: an anonymous client in memory. */
  readonly client?: MCPTestClientOptions;
}

/** A server shows something else than what was committed. */
export class ContractError extends Error {
  override readonly name: string = "ContractError";
  readonly changes: readonly SurfaceChange[];

  constructor(message: string, changes: readonly SurfaceChange[]) {
    super(message);
    this.changes = changes;
  }
}

const REMEDY = "Run once with UPDATE_CONTRACTS=1 to accept it, and review the file.";

/**
 * Holds a server to the surface that a committed file describes: a tool that is gone, a schema that changed, a
 * description that reads otherwise. A model acts on all of it, so each change is to be a decision.
 * @throws {ContractError} that lists every change, or says that there is no file yet.
 */
export async function checkContract(
  target: TestTarget,
  file: string | URL,
  options: ContractOptions = {},
): Promise<void> {
  const { mkdir, readFile, writeFile } = await import("node:fs/promises");
  const { update = process.env["UPDATE_CONTRACTS"] === "1", client = {} } = options;
  const surface = await surfaceOf(target, client);
  const text = `${JSON.stringify(sorted(surface), null, 2)}\n`;
  if (update) {
    await mkdir(new URL(".", await urlOf(file)), { recursive: true });
    await writeFile(file, text);
    return;
  }
  const committed = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (committed === undefined) {
    throw new ContractError(`There is no contract ${String(file)} yet. ${REMEDY}`, []);
  }
  // The same way through JSON: what is undefined is not there.
  const changes = compareSurfaces(
    JSON.parse(committed) as ServerSurface,
    JSON.parse(text) as ServerSurface,
  );
  if (changes.length === 0) return;
  throw new ContractError(
    `The server shows something else than ${String(file)} says:\n${formatChanges(changes)}\n${REMEDY}`,
    changes,
  );
}

async function urlOf(file: string | URL): Promise<URL> {
  const { pathToFileURL } = await import("node:url");
  return file instanceof URL ? file : pathToFileURL(file);
}

/** With sorted names, so that a diff of the file shows what changed and nothing else. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
