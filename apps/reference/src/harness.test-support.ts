import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Environment, readConfig } from "./config.ts";
import { createReferenceServer } from "./server.ts";
import { openServices, type Services } from "./services.ts";

/** The application's services with a bookings folder of their own, for tests. */
export async function openTestServices(
  env: Environment = {},
): Promise<{ services: Services; bookingsDir: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "reference-"));
  const bookingsDir = join(folder, "bookings");
  const services = await openServices(readConfig({ BOOKINGS_DIR: bookingsDir, ...env }));
  return {
    services,
    bookingsDir,
    remove: async () => {
      await services.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** The application over real HTTP on a free port, for tests. */
export interface TestApplication {
  readonly url: string;
  readonly services: Services;
  readonly bookingsDir: string;
  stop(): Promise<void>;
}

export async function startApplication(env: Environment = {}): Promise<TestApplication> {
  const { services, bookingsDir, remove } = await openTestServices(env);
  const server = await createReferenceServer(services);
  // Longer than any test: work that nobody wants any more must end by its signal.
  const { url } = await server.start({ port: 0, drainTimeoutMs: 600_000 });
  return {
    url: url as string,
    services,
    bookingsDir,
    stop: async () => {
      await server.stop();
      await remove();
    },
  };
}

/** A JSON-RPC message as tests look at it. */
export interface Message {
  readonly id?: string | number;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on what is inside.
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on what is inside.
  readonly result?: any;
  readonly error?: { code: number; message: string; data?: unknown };
}

export interface ModernRequest {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly progressToken?: string;
  readonly signal?: AbortSignal;
}

/** Sends one request of the 2026-07-28 revision and gives every message of the answer, in order. */
export async function* modernMessages(
  url: string,
  { method, params = {}, capabilities = {}, progressToken, signal }: ModernRequest,
): AsyncGenerator<Message, void, undefined> {
  const name = params["name"] ?? params["uri"];
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...(typeof name === "string" && { "Mcp-Name": name }),
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientInfo": { name: "test", version: "1.0.0" },
          "io.modelcontextprotocol/clientCapabilities": capabilities,
          ...(progressToken !== undefined && { progressToken }),
        },
      },
    }),
    ...(signal !== undefined && { signal }),
  });
  if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true) {
    yield (await response.json()) as Message;
    return;
  }
  let buffered = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const events = (buffered + chunk).split("\n\n");
    buffered = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data: "));
      if (data.length > 0)
        yield JSON.parse(data.map((line) => line.slice(6)).join("\n")) as Message;
    }
  }
}

/** The last message of the answer: the response. */
export async function modern(url: string, request: ModernRequest): Promise<Message> {
  let last: Message | undefined;
  for await (const message of modernMessages(url, request)) last = message;
  if (last === undefined) throw new Error("the answer holds no message");
  return last;
}
