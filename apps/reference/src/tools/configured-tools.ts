import { unwatchFile, watchFile } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Logger } from "@backplane/protocol";
import type { MCPServer, RegistrationHandle } from "@backplane/server";
import { z } from "zod";
import { ConfigError } from "../environment.ts";
import { fromConfig, type ToolConfig, ToolsFile } from "./from-config.ts";

/** How often the file is looked at. */
const WATCH_INTERVAL_MS = 1_000;

/**
 * Tools that a file describes, as many as it has. When the file changes, so does the list of tools, and clients that
 * listen are told. What is wrong in it then is in the log, and changes nothing.
 * @returns the names of the tools that there are at the start.
 * @throws {ConfigError} for a file that is wrong at the start.
 */
export async function registerConfiguredTools(
  server: MCPServer,
  path: string,
  logger: Logger,
): Promise<readonly string[]> {
  const registered = new Map<
    string,
    { readonly text: string; readonly handle: RegistrationHandle }
  >();
  const apply = async (): Promise<void> => {
    const configs = await readTools(path);
    const texts = new Map(configs.map((config) => [config.name, JSON.stringify(config)]));
    for (const [name, { text, handle }] of registered) {
      if (texts.get(name) === text) continue;
      handle.remove();
      registered.delete(name);
    }
    for (const config of configs) {
      if (registered.has(config.name)) continue;
      const text = texts.get(config.name) as string;
      registered.set(config.name, { text, handle: server.addTool(fromConfig(config)) });
    }
  };
  await apply();
  const changed = (): void => {
    apply().catch((error: unknown) =>
      logger.warn({ err: error }, "the tools file cannot be applied as a whole"),
    );
  };
  watchFile(path, { interval: WATCH_INTERVAL_MS, persistent: false }, changed);
  server.onStop("tools file", () => unwatchFile(path, changed));
  return [...registered.keys()];
}

async function readTools(path: string): Promise<readonly ToolConfig[]> {
  try {
    return ToolsFile.parse(JSON.parse(await readFile(path, "utf8"))).tools;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new ConfigError(`TOOLS_FILE: ${path} cannot be used: ${reason}`, { cause });
  }
}
