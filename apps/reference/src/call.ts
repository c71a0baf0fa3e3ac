import { createInterface } from "node:readline/promises";
import { MCPClient, MCPClientError, MCPError } from "@backplane/client";
import type { ElicitFormParams, ElicitResult, JsonObject, JsonValue } from "@backplane/protocol";

const USAGE = `usage: call TOOL [name=value …]     calls a tool
       call --tools                 lists the tools
       call --read URI              reads a resource
       call --watch URI             waits for one change of a resource
MCP_URL says where (http://127.0.0.1:8080/mcp), BACKPLANE_KEY who is calling.`;

/** A small client for a terminal: what a server asks is put to whoever sits there. */
async function main([first, ...rest]: readonly string[]): Promise<void> {
  const { MCP_URL = "http://127.0.0.1:8080/mcp", BACKPLANE_KEY } = process.env;
  if (first === undefined) throw new MCPError(-1001, USAGE);
  await using client = new MCPClient({
    url: MCP_URL,
    ...(BACKPLANE_KEY !== undefined && { headers: { Authorization: `Bearer ${BACKPLANE_KEY}` } }),
    // What is no terminal has nobody to ask.
    ...(process.stdin.isTTY && { handlers: { elicit: { form: ask } } }),
  });
  const [uri = ""] = rest;
  if (first === "--tools") {
    for (const { name, title } of await client.listTools()) print(`${name}  ${title ?? ""}`);
  } else if (first === "--read") {
    const { contents } = await client.readResource(uri);
    for (const content of contents) print("text" in content ? content.text : content.blob);
  } else if (first === "--watch") {
    print(`${await changeOf(client, uri)} has changed`);
  } else {
    print(JSON.stringify(await client.call(first, argumentsOf(rest)), undefined, 2));
  }
}

/** `name=value`: a value that is JSON stands for itself, anything else for its text. */
function argumentsOf(pairs: readonly string[]): JsonObject {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", ...value] = pair.split("=");
      return [name, valueIn(value.join("="))];
    }),
  );
}

function valueIn(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function changeOf(client: MCPClient, uri: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client
      .subscribe(uri, (changed) => resolve(changed))
      .then(() => print(`watching ${uri}`), reject);
  });
}

interface Field {
  readonly title?: string;
  readonly type?: string;
}

async function ask({ message, requestedSchema }: ElicitFormParams): Promise<ElicitResult> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  process.stderr.write(`${message}\n`);
  const content: Record<string, unknown> = {};
  const fields = requestedSchema.properties as Readonly<Record<string, Field>>;
  for (const [name, { title = name, type }] of Object.entries(fields)) {
    const answer = await terminal.question(`  ${title}${type === "boolean" ? " (y/n)" : ""}: `);
    if (type === "string") content[name] = answer;
    else content[name] = type === "boolean" ? /^y/i.test(answer) : valueIn(answer);
  }
  terminal.close();
  return { action: "accept", content: content as NonNullable<ElicitResult["content"]> };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isTold = MCPError.isInstance(error) || MCPClientError.isInstance(error);
  const { code, message, data } = error as MCPError;
  const about = data === undefined ? "" : ` ${JSON.stringify(data)}`;
  process.stderr.write(isTold ? `${code}: ${message}${about}\n` : `${(error as Error).stack}\n`);
  process.exitCode = 1;
});
