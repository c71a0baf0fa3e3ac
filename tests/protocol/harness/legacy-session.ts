import { type Exchange, type Headers, type OpenStream, open, send } from "./http.ts";
import { legacyRequest, notification, type Params, type WireMessage } from "./messages.ts";

export const legacyRevision = "2025-11-25";

export interface SessionOptions {
  readonly revision?: string;
  readonly capabilities?: Params;
  readonly headers?: Headers;
}

/** Everything a client can be asked for, in the shape of 2025-11-25. */
export const fullLegacyCapabilities: Params = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {} },
  roots: { listChanged: true },
};

const baseHeaders: Headers = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
};

/** Sends an `initialize` request and nothing else. */
export function initialize(url: string, options: SessionOptions = {}): Promise<Exchange> {
  const params = {
    protocolVersion: options.revision ?? legacyRevision,
    capabilities: options.capabilities ?? {},
    clientInfo: { name: "protocol-tests", version: "1.0.0" },
  };
  return send(url, {
    headers: { ...baseHeaders, ...options.headers },
    body: legacyRequest("initialize", params, "init"),
  });
}

/** A legacy session as its client sees it, with every header in the test's hand. */
export class LegacySession {
  readonly url: string;
  readonly id: string;
  readonly initializeResult: WireMessage["result"];
  readonly headers: Headers;
  #nextId = 1;

  constructor(url: string, id: string, initialized: Exchange, headers: Headers) {
    this.url = url;
    this.id = id;
    this.initializeResult = initialized.message?.result;
    this.headers = headers;
  }

  post(body: unknown, headers: Headers = {}, url: string = this.url): Promise<Exchange> {
    return send(url, { headers: { ...this.headers, ...headers }, body });
  }

  /** Sends a request and reads its answer to the end. */
  request(method: string, params?: Params, headers?: Headers): Promise<Exchange> {
    return this.post(legacyRequest(method, params, this.newId()), headers);
  }

  /** Sends a request and resolves with the stream of its answer. */
  openRequest(method: string, params?: Params, url: string = this.url): Promise<OpenStream> {
    const body = legacyRequest(method, params, this.newId());
    return open(url, { headers: this.headers, body });
  }

  callTool(name: string, args: Params = {}, meta?: Params): Promise<Exchange> {
    return this.request("tools/call", { name, arguments: args, ...(meta && { _meta: meta }) });
  }

  openTool(name: string, args: Params = {}, meta?: Params, url?: string): Promise<OpenStream> {
    const params = { name, arguments: args, ...(meta && { _meta: meta }) };
    return this.openRequest("tools/call", params, url);
  }

  notify(method: string, params?: Params, url?: string): Promise<Exchange> {
    return this.post(notification(method, params), {}, url);
  }

  /** Answers a request of the server. */
  respond(id: WireMessage["id"], result: unknown, url?: string): Promise<Exchange> {
    return this.post({ jsonrpc: "2.0", id, result }, {}, url);
  }

  /** Opens the GET stream, or resumes a stream after `lastEventId`. */
  get(lastEventId?: string, url: string = this.url): Promise<OpenStream> {
    const { "content-type": _type, ...headers } = this.headers;
    return open(url, {
      method: "GET",
      headers: {
        ...headers,
        accept: "text/event-stream",
        ...(lastEventId !== undefined && { "last-event-id": lastEventId }),
      },
    });
  }

  end(url: string = this.url): Promise<Exchange> {
    return send(url, { method: "DELETE", headers: this.headers });
  }

  newId(): number {
    return this.#nextId++;
  }
}

/** Initializes a session as a client must: `initialize`, then `notifications/initialized`. */
export async function openSession(
  url: string,
  options: SessionOptions = {},
): Promise<LegacySession> {
  const initialized = await initialize(url, options);
  const id = initialized.headers["mcp-session-id"];
  if (initialized.status !== 200 || typeof id !== "string") {
    throw new Error(`initialize: ${initialized.status} ${initialized.text}`);
  }
  const revision = initialized.message?.result?.["protocolVersion"];
  const session = new LegacySession(url, id, initialized, {
    ...baseHeaders,
    ...options.headers,
    "mcp-session-id": id,
    // 2025-03-26 and before know no version header.
    ...(String(revision) >= "2025-06-18" && { "mcp-protocol-version": String(revision) }),
  });
  await session.notify("notifications/initialized");
  return session;
}
