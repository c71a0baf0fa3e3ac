import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StartHttpOptions } from "@backplane/server";
import { type Application, createApplication } from "./application.ts";
import { type Config, readConfig } from "./config.ts";
import type { Environment } from "./environment.ts";

/** Keys of callers that tests play, by what they may. */
export const KEYS = {
  operator: "test-key-of-the-operator",
  planner: "test-key-of-the-planner",
  user: "test-key-of-a-user-without-more",
  metrics: "test-key-of-the-scraper",
} as const;

const API_KEYS = JSON.stringify({
  operator: { key: KEYS.operator, roles: ["operator"] },
  planner: { key: KEYS.planner, scopes: ["calendar:write"] },
  user: KEYS.user,
  metrics: { key: KEYS.metrics, roles: ["metrics"] },
});

/** The application over real HTTP on a free port, for tests. */
export interface TestApplication extends Application {
  readonly url: string;
  readonly config: Config;
  readonly bookingsDir: string;
  stop(): Promise<void>;
}

/** @param env what the test wants: nothing of the environment that it runs in gets in by itself. */
export async function startApplication(
  env: Environment = {},
  start: StartHttpOptions = {},
): Promise<TestApplication> {
  const folder = await mkdtemp(join(tmpdir(), "reference-"));
  const bookingsDir = join(folder, "bookings");
  const remove = () => rm(folder, { recursive: true });
  const config = readConfig({ BOOKINGS_DIR: bookingsDir, API_KEYS, LOG_LEVEL: "error", ...env });
  const application = await createApplication(config);
  const { server, close } = application;
  try {
    // Longer than any test: work that nobody wants any more must end by its signal.
    const { url } = await server.start({ port: 0, drainTimeoutMs: 600_000, ...start });
    return {
      ...application,
      url: url as string,
      config,
      bookingsDir,
      stop: async () => {
        await server.stop();
        await close();
        await remove();
      },
    };
  } catch (error) {
    await close();
    await remove();
    throw error;
  }
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
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
  /** Default: the operator's. */
  readonly key?: string;
}

/** Sends one request of the 2026-07-28 revision and gives every message of the answer, in order. */
export async function* modernMessages(
  url: string,
  {
    method,
    params = {},
    capabilities = {},
    progressToken,
    meta = {},
    signal,
    key = KEYS.operator,
  }: ModernRequest,
): AsyncGenerator<Message, void, undefined> {
  const name = params["name"] ?? params["uri"];
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-API-Key": key,
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
          ...meta,
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
