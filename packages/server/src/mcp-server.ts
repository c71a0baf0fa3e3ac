import {
  checkMembers,
  createInMemoryTransportPair,
  type HealthCheck,
  type HealthReport,
  type HttpRoute,
  type HttpRouteInfo,
  type Interceptor,
  type InterceptorHost,
  isLoopbackHost,
  type MessageTransport,
  type SchemaInput,
  type ServerLoad,
  within,
} from "@backplane/protocol";
import { ChangeFeed } from "./change-feed.ts";
import { Connection } from "./connection.ts";
import { Dispatcher } from "./dispatch.ts";
import type { FetchHandler } from "./http/fetch-handler.ts";
import { HttpSide } from "./http/http-side.ts";
import { createLegacyLeg } from "./http/legacy-leg.ts";
import type { HttpListener } from "./http/listener.ts";
import type { NodeHandler } from "./http/node-handler.ts";
import type { FetchRouteHandler, NodeRouteHandler } from "./http/route-handlers.ts";
import { checkIdentified, identifyProcess } from "./identity.ts";
import { createInputRounds } from "./input-rounds.ts";
import { closePart } from "./internal/close-part.ts";
import { withResolvers } from "./internal/with-resolvers.ts";
import { ListenStreams } from "./listen-streams.ts";
import { Listing } from "./listing.ts";
import { createMethods } from "./methods.ts";
import type { MCPServerOptions, ResolvedOptions } from "./options.ts";
import type { RegistrationHandle } from "./primitive-table.ts";
import {
  type PromptArgumentOptions,
  type PromptHandler,
  type PromptOptions,
  registerPrompt,
} from "./prompts.ts";
import {
  addProvider,
  type ResourceProviderOptions,
  registerProvider,
} from "./provider-registration.ts";
import { Registry } from "./registry.ts";
import { createStateSealer } from "./request-state.ts";
import { resolveOptions } from "./resolve-options.ts";
import type { ResourceProvider } from "./resource-provider.ts";
import { ResourceWatches } from "./resource-watches.ts";
import { type ResourceOptions, type ResourceReader, registerResource } from "./resources.ts";
import { onStopSignals } from "./signals.ts";
import {
  type ConnectOptions,
  checkStartStdio,
  resolveStartHttp,
  type ServerConnection,
  type StartOptions,
} from "./start-options.ts";
import { StreamSlots } from "./stream-slots.ts";
import { Targets } from "./targets.ts";
import {
  type MCPTool,
  registerTool,
  type ToolDefinition,
  type ToolHandler,
  type ToolOptions,
} from "./tools.ts";

/** Where a started server can be reached. */
export interface StartedServer {
  /** The endpoint's URL; undefined over stdio. */
  readonly url: string | undefined;
  /** The port that was bound; undefined over stdio. */
  readonly port: number | undefined;
  /** Resolves when the server has stopped, for whatever reason: `stop`, a signal, the end of stdin. */
  readonly stopped: Promise<void>;
}

type Closer = readonly [name: string, close: () => unknown];

/**
 * A Model Context Protocol server: what is registered here is served to every client, of both eras, over
 * every transport that is started or mounted.
 *
 * Security defaults: it binds loopback, checks `Host` and `Origin`, and bounds everything (see
 * `ServerLimits`). Without the option `auth` everybody who reaches it may use it.
 */
export class MCPServer {
  /** Unique to this object; stands in every diagnostics-channel payload. */
  readonly serverId: string;
  readonly #options: ResolvedOptions;
  readonly #registry: Registry;
  readonly #changes: ChangeFeed;
  readonly #watches: ResourceWatches;
  readonly #dispatcher: Dispatcher;
  readonly #host: InterceptorHost;
  readonly #listeners: ListenStreams;
  readonly #slots: StreamSlots;
  readonly #legacy: ReturnType<typeof createLegacyLeg> | undefined;
  readonly #connections = new Set<Connection>();
  readonly #closers = new Set<Closer>();
  readonly #readiness: { ready: boolean } = { ready: true };
  readonly #http: HttpSide;
  /** Whether a client may have seen a list. What is registered before is news to nobody, on any replica. */
  #serving = false;
  #listener: HttpListener | undefined;
  #starting: Promise<StartedServer> | undefined;
  #stopping: Promise<void> | undefined;
  #drainDelayMs = 0;
  #drainTimeoutMs = 10_000;
  #removeSignals: (() => void) | undefined;
  #onStopped: (() => void) | undefined;

  /** @throws {TypeError} for an option that is unknown, missing or illegal; the message names it. */
  constructor(options: MCPServerOptions) {
    const resolved = resolveOptions(options);
    const { eventBus, logger, limits, policy, auth } = resolved;
    this.#options = resolved;
    this.serverId = `${resolved.serverInfo.name}-${globalThis.crypto.randomUUID()}`;
    this.#changes = new ChangeFeed(eventBus, logger, resolved.clock);
    this.#registry = new Registry(resolved.declare, (kind) => {
      if (this.#serving) this.#changes.listChanged(kind);
    });
    this.#watches = new ResourceWatches({
      registry: this.#registry,
      changes: this.#changes,
      logger,
      clock: resolved.clock,
      maxPerOwner: limits.maxSubscriptionsPerPrincipal,
    });
    const targets = new Targets(this.#registry, policy, auth);
    this.#slots = new StreamSlots(this.serverId, limits.maxStreams, limits.maxStreamsPerPrincipal);
    this.#listeners = new ListenStreams(
      this.#registry,
      targets,
      this.#changes,
      this.#watches,
      this.#slots,
      limits,
      resolved.clock,
    );
    const inputs = createInputRounds({
      sealer: createStateSealer(resolved.keyRing, resolved.clock, {
        ttlMs: resolved.requestStateTtlMs,
      }),
      inputMs: resolved.deadlines.inputMs,
      pauseDeadline: (call) => this.#dispatcher.pauseDeadline(call),
    });
    const methods = createMethods({
      options: resolved,
      registry: this.#registry,
      listing: new Listing(this.#registry, policy, resolved.pageSize),
      targets,
      listeners: this.#listeners,
    });
    this.#dispatcher = new Dispatcher(this.serverId, resolved, this.#registry, inputs, methods);
    this.#legacy =
      resolved.legacy === false
        ? undefined
        : createLegacyLeg({
            options: resolved,
            dispatcher: this.#dispatcher,
            registry: this.#registry,
            changes: this.#changes,
            watches: this.#watches,
            serverId: this.serverId,
            slots: this.#slots,
          });
    this.#http = new HttpSide({
      options: resolved,
      dispatcher: this.#dispatcher,
      legacy: this.#legacy,
      registry: this.#registry,
      slots: this.#slots,
      readiness: this.#readiness,
    });
    this.#host = {
      serverId: this.serverId,
      serverInfo: resolved.serverInfo,
      onChange: (listener) => this.#changes.watch(listener),
      onStop: (name, close) => void this.onStop(name, close),
    };
    for (const { notices = [] } of [auth ?? {}, policy ?? {}]) {
      for (const notice of notices) logger.warn({}, notice);
    }
  }

  /**
   * Registers a tool.
   * @throws {SchemaError} for a schema that cannot be shown to clients; names tool and path.
   * @throws {TypeError} for a name that is taken or malformed.
   */
  tool<
    const Input extends SchemaInput | undefined = undefined,
    const Output extends SchemaInput | undefined = undefined,
  >(
    name: string,
    options: ToolOptions<Input, Output>,
    handler: ToolHandler<Input, Output>,
  ): RegistrationHandle {
    return this.#registry.tools.add(registerTool(name, options, handler));
  }

  /** Registers a tool given as a class or as a value. */
  addTool<Input extends SchemaInput | undefined, Output extends SchemaInput | undefined>(
    tool: MCPTool<Input, Output> | ToolDefinition<Input, Output>,
  ): RegistrationHandle {
    // By its shape: a class may extend the `MCPTool` of another copy of this package.
    if ("execute" in tool) {
      return this.tool(tool.name, tool.options, (args, context) => tool.execute(args, context));
    }
    const { name, handler, ...options } = tool;
    return this.tool(name, options as ToolOptions<Input, Output>, handler);
  }

  /** @returns whether there was such a tool. Clients are told. */
  removeTool(name: string): boolean {
    return this.#registry.tools.remove(name);
  }

  /** Registers a prompt. @throws {TypeError} for a name that is taken or empty. */
  prompt<const Arguments extends Readonly<Record<string, PromptArgumentOptions>>>(
    name: string,
    options: PromptOptions<Arguments>,
    handler: PromptHandler<Arguments>,
  ): RegistrationHandle {
    return this.#registry.prompts.add(registerPrompt(name, options, handler));
  }

  /**
   * Registers a resource, or a resource template when the URI holds RFC 6570 expressions. An exact URI
   * wins over a template; templates are tried in the order of their text.
   */
  resource(uri: string, options: ResourceOptions, reader: ResourceReader): RegistrationHandle {
    const entry = registerResource(uri, options, reader);
    return "template" in entry
      ? this.#registry.templates.add(entry)
      : this.#registry.resources.add(entry);
  }

  /**
   * Serves what a provider provides, beside what `resource` registered: in one list, under the same policy.
   * What is registered wins over a provider; providers are asked in the order of their names. The provider
   * stays the caller's, who closes it, for example with `onStop`.
   * @throws {TypeError} for a provider without one of its methods, or whose name or template is taken.
   */
  addResourceProvider(
    provider: ResourceProvider,
    options: ResourceProviderOptions = {},
  ): RegistrationHandle {
    const entry = registerProvider(provider, options);
    return addProvider(this.#registry, entry, () => this.#watches.refresh());
  }

  /** Tells subscribed clients, of every replica, that a resource has changed. Coalesced per tick. */
  resourceUpdated(uri: string): void {
    this.#changes.resourceUpdated(uri);
  }

  /** Puts interceptors around every request of every method, on every transport, ordered by phase. */
  use(...interceptors: readonly Interceptor[]): this {
    this.#dispatcher.use(interceptors);
    for (const interceptor of interceptors) interceptor.attached?.(this.#host);
    return this;
  }

  /** The endpoint for a web runtime or framework: any path, without the routes. */
  get handler(): FetchHandler {
    this.#serving = true;
    return this.#http.handler;
  }

  /** The endpoint as a `node:http` listener, for frameworks that mount one: any path, without the routes. */
  get nodeHandler(): NodeHandler {
    this.#serving = true;
    return this.#http.nodeHandler;
  }

  /**
   * Answers something over HTTP beside MCP, such as `/metrics`: on the listener of `start`, and where
   * `routeHandler` or `nodeRouteHandler` is mounted.
   * @returns what takes it off again.
   * @throws {TypeError} for a path that is taken, for one that wants to know its caller on a server
   * without the option `auth`, and for an open one beyond loopback.
   */
  addRoute(route: HttpRoute): () => void {
    return this.#http.routes.add(route);
  }

  /** What is answered over HTTP beside the MCP endpoint, the probes and an authenticator's documents included. */
  get routes(): readonly HttpRouteInfo[] {
    return this.#http.routes.list();
  }

  /**
   * The routes for a web runtime or framework: undefined for a request that none is for. A fetch request
   * does not say where its peer is, so open routes are refused here.
   */
  get routeHandler(): FetchRouteHandler {
    return this.#http.routeHandler;
  }

  /** The routes for a framework on `node:http`, in front of its body parsers: false for a request that none is for. */
  get nodeRouteHandler(): NodeRouteHandler {
    return this.#http.nodeRouteHandler;
  }

  /**
   * Asks `checker` whether what the server depends on works. While it is unhealthy, `/ready` answers 503; with
   * the option `auth` the whole report is at `/health/details` for who has a credential. `/health` never asks.
   * @param options `open: true` serves the details to this machine alone, without a credential (see `HttpRoute`).
   * @returns what takes it off again.
   */
  addHealthChecker(checker: HealthCheck, options: { readonly open?: boolean } = {}): () => void {
    checkMembers("addHealthChecker", options, ["open"]);
    return this.#http.addHealthChecker(checker, options.open ?? false);
  }

  /** What it holds now, and how much it may. */
  get load(): ServerLoad {
    const { maxInFlight, maxStreams } = this.#options.limits;
    const { inFlight } = this.#dispatcher;
    return { inFlight, maxInFlight, streams: this.#slots.taken, maxStreams };
  }

  /** The report of all health checkers together, at most 1 second old. Never rejects. */
  checkHealth(): Promise<HealthReport> {
    return this.#http.health.report();
  }

  /**
   * Serves a client over a transport that carries messages both ways.
   * @param transport one end of `createInMemoryTransportPair()`, or an own implementation.
   * @throws {TypeError} without a `principal` on a server with the option `auth`.
   */
  connect(transport: MessageTransport, options: ConnectOptions = {}): ServerConnection {
    checkIdentified(this.#options.auth, options.principal);
    this.#serving = true;
    const { promise: closed, resolve } = withResolvers<void>();
    const connection = new Connection(
      transport,
      options.kind ?? "in-memory",
      options.principal,
      {
        options: this.#options,
        dispatcher: this.#dispatcher,
        registry: this.#registry,
        changes: this.#changes,
        watches: this.#watches,
      },
      () => {
        // One over stdio is kept until `stop`: calls may still be answered after the end of stdin.
        if (options.kind !== "stdio") this.#connections.delete(connection);
        resolve();
      },
    );
    this.#connections.add(connection);
    return { transport, closed, close: () => connection.close() };
  }

  /** Opens an in-process connection and returns the client's end of it. */
  connectInMemory(options: Omit<ConnectOptions, "kind"> = {}): MessageTransport {
    const [client, server] = createInMemoryTransportPair();
    this.connect(server, options);
    return client;
  }

  /**
   * Starts serving: HTTP on loopback unless told otherwise, or stdio.
   * @throws {TypeError} for an illegal option, {@link Error} when the port is in use, it runs already or was
   * stopped, or the credential for stdio was refused.
   */
  async start(options: StartOptions = {}): Promise<StartedServer> {
    if (this.#starting !== undefined) {
      throw new Error("start: this server has been started already");
    }
    if (this.#stopping !== undefined) {
      throw new Error("start: this server has been stopped; make a new one");
    }
    const starting = this.#start(options);
    this.#starting = starting;
    try {
      return await starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  /**
   * Closes something together with the server, once nothing runs any more: a pool that handlers use, a
   * watcher. What takes longer than 5 seconds, or fails, is logged by its name and left behind.
   * @returns what takes it off again.
   * @throws {Error} when the server has been stopped.
   */
  onStop(name: string, close: () => void | Promise<void>): () => void {
    if (this.#stopping !== undefined) throw new Error("onStop: this server has been stopped");
    const closer: Closer = [name, close];
    this.#closers.add(closer);
    return () => {
      this.#closers.delete(closer);
    };
  }

  /**
   * Stops in this order: `/ready` says 503 while the listener stays open for `drainDelayMs`; new calls are
   * refused with a retryable error; streams end gracefully; running work may finish for `drainTimeoutMs`,
   * then its signal fires; sockets close; then what `onStop` was given. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(options: StartOptions): Promise<StartedServer> {
    const { promise: stopped, resolve } = withResolvers<void>();
    this.#onStopped = resolve;
    // First: a logger on stdout must not say a word where the protocol begins.
    if (options.transport === "stdio") checkStartStdio(options, this.#options.logger);
    this.#announceKeyRing();
    if (options.transport === "stdio") {
      this.#drainTimeoutMs = options.drainTimeoutMs ?? this.#drainTimeoutMs;
      const principal = await identifyProcess(this.serverId, this.#options, options.headers);
      const { createStdioTransport } = await import("./stdio-transport.ts");
      const transport = await createStdioTransport({
        maxLineBytes: this.#options.limits.maxBodyBytes,
      });
      const connection = this.connect(transport, {
        kind: "stdio",
        ...(principal !== undefined && { principal }),
      });
      // The end of stdin ends a stdio server (spec: transports/stdio, shutdown).
      void connection.closed.then(() => this.stop());
      this.#watchSignals(options.signals);
      return { url: undefined, port: undefined, stopped };
    }
    const resolved = resolveStartHttp(options, this.#options.allowedHosts);
    this.#drainDelayMs = resolved.drainDelayMs;
    this.#drainTimeoutMs = resolved.drainTimeoutMs;
    if (!isLoopbackHost(resolved.host)) this.#http.routes.bindOutside(resolved.host);
    this.#serving = true;
    this.#listener = await this.#http.listen(resolved);
    this.#watchSignals(resolved.signals);
    const { url, port } = this.#listener;
    return { url, port, stopped };
  }

  async #stop(): Promise<void> {
    const { clock, logger, ownSeams } = this.#options;
    this.#readiness.ready = false;
    // A port that is bound after the stop would stay open. Whether it could be is told to who starts.
    await this.#starting?.catch(() => {});
    this.#listener?.announceClose();
    if (this.#listener !== undefined && this.#drainDelayMs > 0) {
      await new Promise<void>((resolve) => clock.after(this.#drainDelayMs, resolve));
    }
    this.#dispatcher.refuse();
    this.#listeners.drain();
    this.#legacy?.drain();
    this.#http.routes.drain();
    const untilMs = performance.now() + this.#drainTimeoutMs;
    const idle = Promise.all([this.#dispatcher.idle(), this.#http.routes.idle()]);
    await within(this.#drainTimeoutMs, idle);
    this.#dispatcher.abortAll();
    this.#http.routes.abortAll();
    await this.#legacy?.close();
    await this.#closeAll([...this.#connections].map((each) => ["connection", () => each.close()]));
    await this.#listener?.close(untilMs - performance.now());
    await closePart(logger, "resource providers", () => this.#watches.close());
    // First, so that no client is told of what is now taken apart.
    await closePart(logger, "eventBus", () => this.#changes.close());
    await this.#closeAll([...this.#closers]);
    // Seams that were given belong to the giver: other server objects may share them.
    await this.#closeAll([...ownSeams].map(([option, seam]) => [option, () => seam.close()]));
    this.#dispatcher.close();
    this.#removeSignals?.();
    this.#onStopped?.();
  }

  async #closeAll(parts: readonly Closer[]): Promise<void> {
    const { logger } = this.#options;
    await Promise.all(parts.map(([name, close]) => closePart(logger, name, close)));
  }

  #watchSignals(wanted: boolean | undefined): void {
    if (wanted === true) this.#removeSignals = onStopSignals(() => void this.stop());
  }

  #announceKeyRing(): void {
    if (!this.#options.processKeyRing) return;
    this.#options.logger.info(
      {},
      "requestState is sealed with a random key of this process; replicas need a shared keyRing",
    );
  }
}
