import {
  type AuthenticationOutcome,
  createMemoryEventBus,
  createMemoryEventLog,
  createMemorySessionStore,
  type InputContext,
  type Logger,
} from "@backplane/protocol";
import { chaotic, type FakeClock } from "@backplane/protocol/test-suite";
import { MCPServer } from "../mcp-server.ts";
import type { MCPServerOptions } from "../options.ts";

const silent = (): void => {};
export const SILENT_LOGGER: Logger = { debug: silent, info: silent, warn: silent, error: silent };

export interface Running {
  readonly server: MCPServer;
  readonly url: string;
}

/** A point in a handler at which it waits for its test, and what it saw. */
export interface Gate {
  /** Resolves once the handler is there. */
  readonly reached: Promise<void>;
  /** Why the call's signal fired. */
  readonly aborted: Promise<unknown>;
  open(): void;
}

/** What the tools of these servers share with the test: gates by name. */
export class Gates {
  readonly #gates = new Map<string, Gate & { enter(context: InputContext): Promise<void> }>();

  at(name: string): Gate {
    return this.#gate(name);
  }

  /** Called by a handler. */
  enter(name: string, context: InputContext): Promise<void> {
    return this.#gate(name).enter(context);
  }

  #gate(name: string): Gate & { enter(context: InputContext): Promise<void> } {
    let gate = this.#gates.get(name);
    if (gate === undefined) {
      gate = createGate();
      this.#gates.set(name, gate);
    }
    return gate;
  }
}

function createGate(): Gate & { enter(context: InputContext): Promise<void> } {
  let tellReached: () => void = silent;
  let tellAborted: (reason: unknown) => void = silent;
  let open: () => void = silent;
  const reached = new Promise<void>((resolve) => {
    tellReached = resolve;
  });
  const aborted = new Promise<unknown>((resolve) => {
    tellAborted = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    aborted,
    open: () => open(),
    enter(context) {
      tellReached();
      const { signal } = context;
      return new Promise((resolve, reject) => {
        void opened.then(resolve);
        signal.addEventListener("abort", () => {
          tellAborted(signal.reason);
          reject(signal.reason);
        });
      });
    },
  };
}

function delayed<Seam extends object>(seam: Seam, delayMs: number): Seam {
  return delayMs === 0 ? seam : chaotic(seam, { delayMs }).subject;
}

/**
 * Server objects of one process that share nothing but the seams, as replicas do.
 * @param delayMs how long each call of a seam takes, as over a network.
 */
export async function startReplicas(
  count: number,
  gates: Gates,
  options: Partial<MCPServerOptions> = {},
  delayMs = 0,
): Promise<readonly Running[]> {
  const { clock } = options;
  const timed = clock === undefined ? {} : { clock };
  const shared = {
    sessionStore: delayed(createMemorySessionStore(timed), delayMs),
    eventLog: delayed(createMemoryEventLog(timed), delayMs),
    eventBus: delayed(createMemoryEventBus(), delayMs),
    ...options,
  };
  return Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer(gates, shared);
      const { url } = await server.start({ port: 0, drainTimeoutMs: 1 });
      return { server, url: url as string };
    }),
  );
}

export async function startServer(
  gates: Gates,
  options: Partial<MCPServerOptions> = {},
): Promise<Running> {
  const [running] = await startReplicas(1, gates, options);
  return running as Running;
}

/** Moves a fake clock in small steps, so that what each timer begins goes on before the next. */
export async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function stopAll(servers: readonly Running[]): Promise<void> {
  for (const { server } of servers) await server.stop();
}

/** Whoever names himself in `x-user`; nobody without. */
export const USER_HEADER_AUTH = {
  authenticate(request: { header(name: string): string | undefined }): AuthenticationOutcome {
    const id = request.header("x-user");
    return id === undefined
      ? { failure: { status: 401, headers: {}, message: "x-user is missing" } }
      : { principal: { id, scopes: [], roles: [] } };
  },
};

function createServer(gates: Gates, options: Partial<MCPServerOptions>): MCPServer {
  const server = new MCPServer({
    name: "legacy-test",
    version: "1.0.0",
    logger: SILENT_LOGGER,
    declare: ["tools", "prompts", "resources"],
    ...options,
  });
  const named = { properties: { gate: { type: "string" } }, type: "object" } as const;
  const gateOf = (args: unknown): string => (args as { gate?: string }).gate ?? "gate";

  server.tool("echo", {}, () => "echo");
  server.tool("late", {}, async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return "late";
  });
  server.tool("waits", { input: named }, async (args, context) => {
    await gates.enter(gateOf(args), context);
    return "waited";
  });
  server.tool("reports", { input: named }, async (args, context) => {
    context.progress(1);
    await gates.enter(gateOf(args), context);
    context.progress(2);
    context.progress(3);
    return "reported";
  });
  server.tool("releases", { input: named }, async (args, context) => {
    const released = context.releaseConnection(250);
    await gates.enter(gateOf(args), context);
    context.progress(1);
    return released ? "released" : "kept";
  });
  server.tool("logs", { input: named }, async (args, context) => {
    context.log("debug", "before");
    await gates.enter(gateOf(args), context);
    context.log("debug", "after");
    return "logged";
  });
  server.tool("asks_form", {}, async (_args, context) => {
    const answer = await context.elicit("name", {
      message: "Your name?",
      schema: { type: "object", properties: { name: { type: "string" } } },
    });
    return `form: ${JSON.stringify(answer.content)}`;
  });
  server.tool("asks_url", {}, async (_args, context) => {
    const url = "https://example.com/consent";
    return `url: ${(await context.elicit("page", { message: "Open it", url })).action}`;
  });
  server.tool("asks_model", {}, async (_args, context) => {
    const messages = [{ role: "user", content: { type: "text", text: "Hi" } }] as const;
    const { content } = await context.sample("model", { messages, maxTokens: 10 });
    return `model: ${(content as { text: string }).text}`;
  });
  server.tool("asks_roots", {}, async (_args, context) => {
    const roots = await context.roots("roots");
    return `roots: ${roots.map(({ uri }) => uri).join()}`;
  });
  server.tool("large", {}, async (_args, context) => {
    context.progress(1);
    return "x".repeat(3_000_000);
  });
  server.resource("test://a", {}, () => "a");
  server.resource("test://b", {}, () => "b");
  return server;
}
