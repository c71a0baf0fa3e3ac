import { MCPServer, type MCPServerOptions, type StartHttpOptions } from "@backplane/server";
import { afterAll, beforeAll } from "vitest";

/** A server of this process that listens on a free port of the loopback interface. */
export interface RunningServer {
  readonly server: MCPServer;
  /** The MCP endpoint. */
  readonly url: string;
}

export type Configure = (server: MCPServer) => void;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Makes a server that logs nowhere, so that expected failures do not fill the report. */
export function createServer(
  configure: Configure,
  options: Partial<MCPServerOptions> = {},
): MCPServer {
  const server = new MCPServer({
    name: "protocol-tests",
    version: "1.0.0",
    logger: quiet,
    ...options,
  });
  configure(server);
  return server;
}

export async function startServer(
  configure: Configure,
  options: Partial<MCPServerOptions> = {},
  startOptions: StartHttpOptions = {},
): Promise<RunningServer> {
  const server = createServer(configure, options);
  const { url } = await server.start({ port: 0, ...startOptions });
  if (url === undefined) throw new Error("an HTTP server has a URL");
  return { server, url };
}

/** A server for all tests of a group, started before and stopped after them. */
export function useServer(
  configure: Configure,
  options: Partial<MCPServerOptions> = {},
): RunningServer {
  let running: RunningServer | undefined;
  beforeAll(async () => {
    running = await startServer(configure, options);
  });
  afterAll(() => running?.server.stop());
  const current = () => {
    if (!running) throw new Error("the server runs during tests only");
    return running;
  };
  return {
    get server() {
      return current().server;
    },
    get url() {
      return current().url;
    },
  };
}
