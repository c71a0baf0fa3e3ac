import { MCPClient } from "@backplane/client";
import type { Principal, Tool } from "@backplane/protocol";
import type { MCPServer } from "@backplane/server";
import type { ToolTarget } from "./mcp-tool.ts";

type Caller = Pick<MCPClient, "callTool" | "listTools">;

interface ServerClient {
  readonly principal: Principal | undefined;
  readonly client: MCPClient;
}

/** One connection in memory for each server and caller, whatever the number of nodes. */
const clients = new WeakMap<object, ServerClient[]>();

/** Looks that are under way: the nodes of a graph look all at once. */
const looks = new WeakMap<object, Promise<readonly Tool[]>>();

/** The target itself, or the client of a server of this process. */
export function clientOf(target: ToolTarget, principal: Principal | undefined): Caller {
  return isServer(target) ? serverClient(target, principal) : target;
}

/** The tools of a target; one request for all that ask at the same time. */
export function listTools(
  target: ToolTarget,
  principal: Principal | undefined,
  signal: AbortSignal,
): Promise<readonly Tool[]> {
  const client = clientOf(target, principal);
  let look = looks.get(client);
  if (look === undefined) {
    look = client.listTools({ signal }).finally(() => looks.delete(client));
    looks.set(client, look);
  }
  return look;
}

function isServer(target: ToolTarget): target is MCPServer {
  return "connectInMemory" in target;
}

function serverClient(server: MCPServer, principal: Principal | undefined): MCPClient {
  const known = clients.get(server) ?? [];
  const own = known.find((each) => each.principal === principal);
  if (own !== undefined) return own.client;
  const client = new MCPClient({
    transport: server.connectInMemory(principal === undefined ? {} : { principal }),
    // Nothing gets lost in memory: what fails is the tool's or the node's own affair.
    maxRetries: 0,
    circuitBreaker: false,
  });
  server.onStop("client of a workflow", () => client.close());
  clients.set(server, [...known, { principal, client }]);
  return client;
}
