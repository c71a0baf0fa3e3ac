// Who takes part, and how each one is told what to do.
import { existsSync } from "node:fs";

export const backplaneEntry = new URL("../../packages/server/dist/index.js", import.meta.url);

const modern = "2026-07-28";
const stateless = "2025-11-25 without a session";
const session = "2025-11-25 session";

/** How a protocol is named in the results. */
export const protocolLabels = { modern, stateless, session };

/**
 * By id. `plain` is the protocol in which a server's plain call is measured: the modern revision,
 * or the nearest to it that the server can do.
 */
export const servers = {
  bare: { label: "bare node:http", file: "bare.mjs", plain: "modern", packages: [] },
  backplane: { label: "Backplane", file: "backplane.mjs", plain: "modern", packages: [] },
  "sdk-v2": {
    label: "SDK v2, stock handler",
    file: "sdk-v2.mjs",
    plain: "modern",
    packages: ["@modelcontextprotocol/server", "@modelcontextprotocol/node"],
  },
  "sdk-v2-session": {
    label: "SDK v2, session transport wired by hand",
    file: "sdk-v2-session.mjs",
    packages: ["@modelcontextprotocol/server", "@modelcontextprotocol/node"],
  },
  "sdk-v1": {
    label: "SDK v1, stateless",
    file: "sdk-v1.mjs",
    env: { MODE: "stateless" },
    plain: "stateless",
    packages: ["@modelcontextprotocol/sdk"],
  },
  "sdk-v1-session": {
    label: "SDK v1, session",
    file: "sdk-v1.mjs",
    env: { MODE: "session" },
    packages: ["@modelcontextprotocol/sdk"],
  },
  tmcp: {
    label: "tmcp",
    file: "tmcp.mjs",
    plain: "modern",
    packages: ["tmcp", "@tmcp/transport-http", "@tmcp/adapter-zod", "srvx"],
  },
  fastmcp: {
    label: "fastmcp, stateless",
    file: "fastmcp.mjs",
    env: { MODE: "stateless" },
    plain: "stateless",
    packages: ["fastmcp"],
  },
  "fastmcp-session": {
    label: "fastmcp, session",
    file: "fastmcp.mjs",
    env: { MODE: "session" },
    packages: ["fastmcp"],
  },
};

export const backplaneIsBuilt = existsSync(backplaneEntry);

/** One measured configuration of one server. */
export function entry(id, options = {}) {
  const { protocol, tools = 1, tool = "echo", file, suffix = "", note, credentials } = options;
  const server = servers[id];
  return {
    id: `${id}${suffix}`,
    server: id,
    label: server.label,
    file: file ?? server.file,
    protocol: protocol ?? server.plain,
    toolCount: tools,
    tool,
    env: {
      ...server.env,
      TOOLS: String(tools),
      TOOL: tool,
      ...(credentials ? { AUTH: credentials } : {}),
    },
    ...(note ? { note } : {}),
    ...(credentials ? { credentials } : {}),
  };
}
