import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// Reached only when something hangs.
const hangMs = 30_000;

/** An example that runs. */
export interface RunningExample {
  /** Its MCP endpoint. */
  readonly url: string;
  /** Asks it to stop, as an orchestrator does. */
  terminate(): void;
}

/**
 * Starts an example's server on a free port as its reader would, uses it, stops it with SIGTERM and asserts
 * that it ends by itself. A path as the first argument of this process replaces the server.
 */
export async function withServer(
  server: URL,
  env: Readonly<Record<string, string>>,
  use: (running: RunningExample) => Promise<void>,
): Promise<void> {
  const main = process.argv[2] ?? fileURLToPath(server);
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, HOST: "127.0.0.1", ...env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(child, "exit");
  const hung = setTimeout(() => child.kill("SIGKILL"), hangMs);
  try {
    const url = await Promise.race([
      announcedUrl(child.stdout),
      exit.then(() => assert.fail("the server ended before it listened")),
    ]);
    let terminated = false;
    const terminate = () => {
      // A second signal could come when the server has removed its handler already.
      if (!terminated) child.kill("SIGTERM");
      terminated = true;
    };
    await use({ url, terminate });
    terminate();
    const [code, signal] = await exit;
    assert.equal(signal ?? code, 0, "the server ends by itself");
  } finally {
    clearTimeout(hung);
    child.kill("SIGKILL");
  }
}

async function announcedUrl(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url !== undefined) return url;
  }
  return assert.fail("the server printed no URL");
}

/** What an example looks at in the result of a tool call. */
export interface ToolResult {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

const revision = "2026-07-28";

/** One `tools/call` of revision 2026-07-28, by hand: everything that a client has to send. */
export async function callTool(url: string, name: string, args: object): Promise<ToolResult> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": revision,
      "Mcp-Method": "tools/call",
      "Mcp-Name": name,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: {
        name,
        arguments: args,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": revision,
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    }),
  });
  const message = (await response.json()) as { result?: ToolResult; error?: { message: string } };
  assert.ok(message.result, message.error?.message ?? `HTTP ${response.status}`);
  return message.result;
}
