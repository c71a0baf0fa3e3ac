import {
  LATEST_MODERN_REVISION,
  META_CLIENT_CAPABILITIES,
  META_PROTOCOL_VERSION,
} from "@backplane/protocol";
import { MCPServer } from "../mcp-server.ts";
import type { ResourceProvider } from "../resource-provider.ts";

/** What a client hears. */
export interface Answer {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** A server of one provider, and a client of it that adds and checks nothing. */
export interface ServedProvider {
  read(uri: string): Promise<Answer>;
  /** The first page. */
  list(): Promise<Answer>;
  close(): Promise<void>;
}

const MAX_BYTES = 100_000;
const META = { [META_PROTOCOL_VERSION]: LATEST_MODERN_REVISION, [META_CLIENT_CAPABILITIES]: {} };

export function serveProvider(provider: ResourceProvider): ServedProvider {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const server = new MCPServer({ name: "suite", version: "1", pageSize: 5, logger });
  server.addResourceProvider(provider, { maxBytes: MAX_BYTES });
  const transport = server.connectInMemory();
  const waiting = new Map<number, (answer: Answer) => void>();
  transport.start({
    onMessage: (text) => {
      const { id, result, error } = JSON.parse(text) as Answer & { readonly id: number };
      waiting.get(id)?.({ ...(result && { result }), ...(error && { error }) });
      waiting.delete(id);
    },
    onClose: () => {},
  });
  let nextId = 1;
  const ask = (method: string, params: object): Promise<Answer> => {
    const id = nextId++;
    const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    transport.send(
      JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta: META } }),
    );
    return answer;
  };
  return {
    read: (uri) => ask("resources/read", { uri }),
    list: () => ask("resources/list", {}),
    close: () => server.stop(),
  };
}
