import { onTestFinished } from "vitest";
import {
  answerTo,
  event,
  json,
  type Script,
  ScriptedServer,
  stream,
} from "./http/http-rig.test-support.ts";

/** A legacy server, over one URL, that an SDK client finds complete; `more` answers what it does not know. */
export async function legacyServer(more: Script = () => {}): Promise<ScriptedServer> {
  const server = await ScriptedServer.open((seen, response, index) => {
    if (seen.method === "GET") {
      const note = { jsonrpc: "2.0", method: "notifications/tools/list_changed" };
      stream(response).write(event(JSON.stringify(note)));
      return;
    }
    if (seen.method === "DELETE") {
      response.writeHead(200).end();
      return;
    }
    const { method, id } = JSON.parse(seen.body) as { method?: string; id?: unknown };
    if (method === "initialize") {
      response.setHeader("mcp-session-id", "s1");
      const serverInfo = { name: "scripted", version: "1.0.0" };
      const capabilities = { tools: { listChanged: true } };
      json(response, answerTo(seen, { protocolVersion: "2025-06-18", capabilities, serverInfo }));
    } else if (method === "server/discover") response.writeHead(404).end("Cannot POST /mcp");
    else if (id === undefined) response.writeHead(202).end();
    else if (method === "ping") json(response, answerTo(seen));
    else more(seen, response, index);
  });
  onTestFinished(() => server.close());
  return server;
}

/** A server that answers each request with a status and a text. */
export async function refusingServer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<ScriptedServer> {
  const server = await ScriptedServer.open((_, response) => {
    response.writeHead(status, headers).end("no");
  });
  onTestFinished(() => server.close());
  return server;
}

/** The JSON-RPC methods, or HTTP methods without a body, in the order in which they came. */
export function asked({ seen }: ScriptedServer): string[] {
  return seen.map(({ method, body }) =>
    body === "" ? method : (JSON.parse(body) as { method: string }).method,
  );
}
