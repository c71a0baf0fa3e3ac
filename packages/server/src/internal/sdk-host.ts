import {
  type Implementation,
  type InputContext,
  isLegacyRevision,
  isLogLevel,
  type JsonRpcNotification,
  LATEST_LEGACY_REVISION,
  type Logger,
  type LogLevel,
  type RequestContext,
  type ServerCapabilities,
  systemClock,
} from "@backplane/protocol";
import type { MCPServer } from "../mcp-server.ts";
import type { ListKind } from "../registry.ts";
import { askClient, askForUrls } from "./sdk-asks.ts";
import { HostedCatalog } from "./sdk-catalog.ts";
import {
  type HostSdkServerOptions,
  type ResolvedHostOptions,
  resolveHostOptions,
} from "./sdk-host-options.ts";
import { HostedCall, hostedServerGone, SdkLink } from "./sdk-link.ts";
import { registerHosted } from "./sdk-registrations.ts";
import type { SdkServer } from "./sdk-shapes.ts";
import { HostedSubscriptions } from "./sdk-subscriptions.ts";

type Params = Readonly<Record<string, unknown>>;

/** An SDK server that Backplane hosts. */
export interface HostedSdkServer {
  /** What it says of itself. */
  readonly serverInfo: Implementation | undefined;
  /** How it wants to be used: give it to `new MCPServer` if clients should be told. */
  readonly instructions: string | undefined;
  /** Resolves when it is no longer hosted, whoever ended it. */
  readonly closed: Promise<void>;
  /**
   * Takes its primitives off the server, lets calls that run finish for `drainTimeoutMs` (default
   * 10,000), cancels the rest and closes the SDK server. Idempotent. After `server.stop()` nothing runs
   * any more; a server that a function made was closed with it, one given as a value waits for this.
   */
  close(options?: { readonly drainTimeoutMs?: number }): Promise<void>;
}

/** Who a hosted server hears that it talks to. The version is that of the bridge, not of this package. */
const CLIENT_INFO: Implementation = { name: "backplane-sdk-host", version: "1" };

const LIST_CHANGES: ReadonlyMap<string, ListKind> = new Map<string, ListKind>([
  ["notifications/tools/list_changed", "tools"],
  ["notifications/prompts/list_changed", "prompts"],
  ["notifications/resources/list_changed", "resources"],
]);

/** The body of `hostSdkServer`, for either SDK. */
export async function host(
  server: MCPServer,
  sdkServer: SdkServer | (() => SdkServer | Promise<SdkServer>),
  options: HostSdkServerOptions,
): Promise<HostedSdkServer> {
  const resolved = resolveHostOptions(options);
  const instance = typeof sdkServer === "function" ? await sdkServer() : sdkServer;
  for (const member of ["connect", "close"] as const) {
    if (typeof instance?.[member] !== "function") {
      throw new TypeError(
        `hostSdkServer: the SDK server has no method "${member}"; give an McpServer or Server, or a function that makes one`,
      );
    }
  }
  const hosting = new Hosting(server, instance, resolved);
  try {
    await hosting.open();
    // One that was given may be the giver's to use again; one that was made here has no other owner.
    if (instance !== sdkServer) hosting.closeWithServer();
  } catch (error) {
    await hosting.close({ drainTimeoutMs: 0 });
    throw error;
  }
  return hosting;
}

class Hosting implements HostedSdkServer {
  readonly closed: Promise<void>;
  serverInfo: Implementation | undefined;
  instructions: string | undefined;
  readonly #server: MCPServer;
  readonly #sdkServer: SdkServer;
  readonly #options: ResolvedHostOptions;
  readonly #link: SdkLink;
  readonly #catalog: HostedCatalog;
  #completes = false;
  #connected = false;
  #closing: Promise<void> | undefined;
  #onClosed: () => void = () => {};
  #stayOpen: (() => void) | undefined;

  constructor(server: MCPServer, sdkServer: SdkServer, options: ResolvedHostOptions) {
    this.#server = server;
    this.#sdkServer = sdkServer;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    this.#link = new SdkLink({
      onRequest: askClient,
      onNotification: (notification, call) => this.#notified(notification, call),
      onClose: () => this.#gone(),
    });
    const forwarding = {
      call: (method: string, params: Params, context: InputContext) =>
        this.#forward(method, params, context, context),
      complete: (params: Params, context: RequestContext) =>
        this.#forward("completion/complete", params, context, undefined),
    };
    this.#catalog = new HostedCatalog({
      request: (method, params) => this.#request(method, params),
      register: (list, definition) =>
        registerHosted(
          server,
          options,
          { ...forwarding, completes: this.#completes },
          list,
          definition,
        ),
      logger: options.logger,
    });
  }

  /** Connects, shakes hands and registers what the hosted server lists. */
  async open(): Promise<void> {
    const { clientCapabilities, connectTimeoutMs, maxSubscriptions, logger } = this.#options;
    await within(connectTimeoutMs, "connect", this.#sdkServer.connect(this.#link.serverEnd));
    this.#connected = true;
    const result = await this.#request("initialize", {
      protocolVersion: LATEST_LEGACY_REVISION,
      capabilities: clientCapabilities,
      clientInfo: CLIENT_INFO,
    });
    if (!isLegacyRevision(String(result.protocolVersion))) {
      throw new Error(
        `hostSdkServer: the SDK server speaks ${String(result.protocolVersion)}, not ${LATEST_LEGACY_REVISION} or an older revision`,
      );
    }
    const capabilities = (result.capabilities ?? {}) as ServerCapabilities;
    this.serverInfo = result.serverInfo as Implementation | undefined;
    this.instructions = result.instructions as string | undefined;
    this.#completes = capabilities.completions !== undefined;
    this.#link.notify("notifications/initialized");
    if (capabilities.logging !== undefined) {
      // Everything: each client's own threshold decides what it is sent.
      await this.#request("logging/setLevel", { level: "debug" satisfies LogLevel });
    }
    await this.#catalog.load(capabilities);
    if (capabilities.resources?.subscribe !== true) return;
    const subscriptions = new HostedSubscriptions({
      owns: (uri) => this.#catalog.ownsResource(uri),
      request: (method, params) => this.#request(method, params),
      maxSubscriptions,
      logger,
    });
    this.#server.use(subscriptions);
  }

  /** @throws {Error} when the server has been stopped meanwhile. */
  closeWithServer(): void {
    const name = `hosted SDK server "${this.serverInfo?.name}"`;
    this.#stayOpen = this.#server.onStop(name, () => this.close({ drainTimeoutMs: 0 }));
  }

  close({ drainTimeoutMs = 10_000 }: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    if (!Number.isSafeInteger(drainTimeoutMs) || drainTimeoutMs < 0) {
      const reason = `must be a whole number of 0 or more, not ${drainTimeoutMs}`;
      return Promise.reject(new TypeError(`close: option "drainTimeoutMs" ${reason}`));
    }
    this.#closing ??= this.#close(drainTimeoutMs);
    return this.#closing;
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    this.#stayOpen?.();
    this.#catalog.close();
    await this.#link.idle(drainTimeoutMs);
    this.#link.abortAll(hostedServerGone());
    try {
      // One that refused this connection may serve another, which is not ours to end.
      if (this.#connected) await this.#sdkServer.close();
    } finally {
      await this.#link.serverEnd.close();
    }
  }

  #gone(): void {
    if (this.#closing === undefined) {
      this.#options.logger.error(
        { server: this.serverInfo?.name },
        "a hosted SDK server closed its connection; what it offered is gone",
      );
      this.#closing = Promise.resolve();
      this.#stayOpen?.();
      this.#catalog.close();
    }
    this.#onClosed();
  }

  /** Sends a client's request on, and passes its end on to the hosted server. */
  async #forward(
    method: string,
    params: Params,
    context: RequestContext,
    input: InputContext | undefined,
  ): Promise<Params> {
    const call = new HostedCall(context, input);
    const { signal } = context;
    const onAbort = (): void => call.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    try {
      const meta = forwardedMeta(context);
      return await this.#link.request(
        method,
        meta === undefined ? params : { ...params, _meta: meta },
        call,
        this.#options.authInfo(context),
      );
    } catch (error) {
      if (input !== undefined) await askForUrls(error, input);
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** A request on the host's own account. */
  async #request(method: string, params: Params): Promise<Params> {
    const call = new HostedCall();
    const { connectTimeoutMs } = this.#options;
    const stopTimer = systemClock.after(connectTimeoutMs, () =>
      call.abort(timedOut(method, connectTimeoutMs)),
    );
    try {
      return await this.#link.request(method, params, call);
    } finally {
      stopTimer();
    }
  }

  #notified({ method, params = {} }: JsonRpcNotification, call: HostedCall | undefined): void {
    const kind = LIST_CHANGES.get(method);
    if (kind !== undefined) this.#link.outsideCalls(() => this.#catalog.changed(kind));
    else if (method === "notifications/resources/updated") {
      if (typeof params.uri === "string") this.#server.resourceUpdated(params.uri);
    } else if (method === "notifications/message") this.#log(params, call);
  }

  /** A log message goes to the client whose call it belongs to, or else to the operator. */
  #log({ level, data, logger: name }: Params, call: HostedCall | undefined): void {
    if (!isLogLevel(level)) return;
    const source = typeof name === "string" ? name : undefined;
    if (call?.context !== undefined) call.context.log(level, data, source);
    else {
      const { logger } = this.#options;
      const fields = { server: this.serverInfo?.name, logger: source, level, data };
      logger[operatorLevel(level)](fields, "a hosted SDK server logged outside a call");
    }
  }
}

/** The request's own `_meta`: what the protocol reserves belongs to one hop and stays here. */
function forwardedMeta({ meta }: RequestContext): Params | undefined {
  const kept = Object.entries(meta).filter(
    ([key]) => key !== "progressToken" && !key.startsWith("io.modelcontextprotocol/"),
  );
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function operatorLevel(level: LogLevel): keyof Logger {
  if (level === "debug") return "debug";
  if (level === "info" || level === "notice") return "info";
  return level === "warning" ? "warn" : "error";
}

async function within<Value>(limitMs: number, what: string, work: Promise<Value>): Promise<Value> {
  let stopTimer: () => void = () => {};
  const timeout = new Promise<never>((_resolve, reject) => {
    stopTimer = systemClock.after(limitMs, () => reject(timedOut(what, limitMs)));
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    stopTimer();
  }
}

function timedOut(what: string, limitMs: number): Error {
  return new Error(
    `hostSdkServer: the SDK server did not finish "${what}" within the ${limitMs} ms of the option connectTimeoutMs`,
  );
}
