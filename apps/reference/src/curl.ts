/**
 * A command line that calls a tool in the 2026-07-28 revision, with everything that revision requires
 * (spec: basic/index, transports/streamable-http). It can be pasted into any POSIX shell.
 * @param options.key what a caller is known by, or a variable that holds it, such as `$KEY`.
 * @param options.host for the `Host` header, where the URL's own is not one that the server allows.
 */
export function curlLine(
  url: string,
  tool: string,
  args: Readonly<Record<string, unknown>>,
  { key, host }: { readonly key: string; readonly host?: string | undefined },
): string {
  const message = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: {
      name: tool,
      arguments: args,
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "curl", version: "1.0.0" },
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  };
  const headers = [
    ...(host === undefined ? [] : [`Host: ${host}`]),
    "Content-Type: application/json",
    "Accept: application/json, text/event-stream",
    "MCP-Protocol-Version: 2026-07-28",
    "Mcp-Method: tools/call",
    `Mcp-Name: ${tool}`,
  ];
  return [
    `curl -sS ${quote(url)}`,
    `-H "X-API-Key: ${key}"`,
    ...headers.map((header) => `-H ${quote(header)}`),
    `-d ${quote(JSON.stringify(message))}`,
  ].join(" ");
}

/** Single quotes, in which a shell takes everything as it stands. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
