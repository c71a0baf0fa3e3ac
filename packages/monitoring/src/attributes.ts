import type { Operation, OperationWay } from "./metrics/operation.ts";
import type { RouteSeries } from "./metrics/route-table.ts";

/** Attributes, of which each has a value. */
export type AttributeValues = Record<string, string | number>;

/** The attributes that the conventions for MCP and HTTP name, in one place for all exporters. */
export const ATTRIBUTES = {
  method: "mcp.method.name",
  revision: "mcp.protocol.version",
  session: "mcp.session.id",
  resource: "mcp.resource.uri",
  tool: "gen_ai.tool.name",
  prompt: "gen_ai.prompt.name",
  operation: "gen_ai.operation.name",
  arguments: "gen_ai.tool.call.arguments",
  result: "gen_ai.tool.call.result",
  requestId: "jsonrpc.request.id",
  status: "rpc.response.status_code",
  error: "error.type",
  transport: "network.transport",
  protocol: "network.protocol.name",
  serverAddress: "server.address",
  serverPort: "server.port",
  clientAddress: "client.address",
  httpMethod: "http.request.method",
  httpRoute: "http.route",
  httpStatus: "http.response.status_code",
  scheme: "url.scheme",
} as const;

/** The attributes of `mcp.server.operation.duration` and `mcp.client.operation.duration`. */
export function operationAttributes(operation: Operation, way: OperationWay): AttributeValues {
  const { method, target, server } = operation;
  return {
    [ATTRIBUTES.method]: method,
    ...(target?.kind === "tool" && {
      [ATTRIBUTES.tool]: target.label,
      [ATTRIBUTES.operation]: "execute_tool",
    }),
    ...(target?.kind === "prompt" && { [ATTRIBUTES.prompt]: target.label }),
    ...(way.revision !== undefined && { [ATTRIBUTES.revision]: way.revision }),
    ...(way.errorType !== undefined && { [ATTRIBUTES.error]: way.errorType }),
    ...(isCode(way.errorType) && { [ATTRIBUTES.status]: way.errorType }),
    ...transportAttributes(way.transport),
    ...(server !== undefined && addressAttributes(server)),
  };
}

/** The attributes of `http.server.request.duration`. */
export function routeAttributes({ route, way }: RouteSeries): AttributeValues {
  const { scheme, status, errorType } = way;
  return {
    [ATTRIBUTES.httpMethod]: route.method,
    [ATTRIBUTES.scheme]: scheme,
    [ATTRIBUTES.httpRoute]: route.path,
    ...(status !== undefined && { [ATTRIBUTES.httpStatus]: status }),
    ...(errorType !== undefined && { [ATTRIBUTES.error]: errorType }),
  };
}

/** How messages travel. In memory there is no network, and nothing is said. */
export function transportAttributes(kind: string): AttributeValues {
  if (kind === "http") return { [ATTRIBUTES.transport]: "tcp", [ATTRIBUTES.protocol]: "http" };
  return kind === "stdio" ? { [ATTRIBUTES.transport]: "pipe" } : {};
}

/** Where a client's requests go: host and port of a URL; a command is the address of a process. */
export function addressAttributes(server: string): AttributeValues {
  if (!URL.canParse(server)) return { [ATTRIBUTES.serverAddress]: server };
  const { hostname, port, protocol } = new URL(server);
  return {
    [ATTRIBUTES.serverAddress]: hostname,
    [ATTRIBUTES.serverPort]: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
  };
}

/** Whether a failure is the code of a JSON-RPC error. */
function isCode(errorType: string | undefined): errorType is string {
  return errorType !== undefined && /^-?\d+$/.test(errorType);
}
