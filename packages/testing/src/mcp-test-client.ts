import {
  type CallValue,
  createEraCache,
  MCPClient,
  type MCPClientOptions,
} from "@backplane/client";
import {
  type CallToolResult,
  type JsonSchema,
  type StandardSchemaV1,
  within,
} from "@backplane/protocol";
import { AnswerPlayer, type AskedQuestion } from "./answers.ts";
import { type ChaosTransport, chaosTransport } from "./chaos-transport.ts";
import { recordedTransport } from "./recorded-transport.ts";
import { type ReceivedNotification, Recorder, type TrafficEntry } from "./recorder.ts";
import { recordingLogger, type ServerLogEntry } from "./server-log.ts";
import {
  type MCPTestClientOptions,
  type ResolvedTestClientOptions,
  resolveTestClientOptions,
  type ToolCallOptions,
  type ToolValueOptions,
} from "./test-client-options.ts";
import { type ServerUnderTest, serverOf, type TestTarget } from "./test-server.ts";

/** What was opened for the client, to be closed in reverse. */
type Closer = () => unknown;

/** A handler that never ends holds the stop of its server for as long as that drains; the test need not wait. */
const STOP_MS = 1_000;

/**
 * A real client of a server under test, in one line: in memory or over real HTTP, in either era, as anybody,
 * with scripted answers, a clock that a test moves, and everything that crossed the wire kept.
 *
 * It retries nothing and has no circuit breaker unless told, so that a test sees the fault itself.
 */
export class MCPTestClient {
  readonly #target: TestTarget;
  readonly #options: ResolvedTestClientOptions;
  readonly #recorder: Recorder;
  readonly #answers: AnswerPlayer;
  readonly #log: ServerLogEntry[] = [];
  readonly #closers: Closer[] = [];
  #opening: Promise<MCPClient> | undefined;
  #client: MCPClient | undefined;
  #server: ServerUnderTest | undefined;
  #chaos: ChaosTransport | undefined;
  #url: string | undefined;
  #ended = false;

  /** @throws {TypeError} that names the option and what it takes. */
  constructor(target: TestTarget, options: MCPTestClientOptions = {}) {
    const hasUrl = typeof target === "string" || target instanceof URL;
    this.#target = target;
    this.#options = resolveTestClientOptions(options, hasUrl);
    this.#recorder = new Recorder(this.#options.clock, this.#options.maxTraffic);
    this.#answers = new AnswerPlayer(this.#options.answers);
  }

  /**
   * Makes the server if need be, opens the connection and settles the era. Not needed before a call.
   * @throws {TypeError} for a target that is no server. @throws {MCPClientError} when there is no connection.
   */
  async connect(): Promise<this> {
    await this.#open();
    return this;
  }

  /**
   * Closes the connection, and stops a server that was made for this client.
   * @throws {AnswerScriptError} when the server asked for more than was scripted, and no call said so.
   */
  async disconnect(): Promise<void> {
    this.#ended = true;
    this.#client = undefined;
    await this.#opening?.catch(() => undefined);
    let failure: unknown;
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        // The others still have to close.
        failure ??= error;
      }
    }
    failure ??= this.#answers.takeFailure();
    if (failure !== undefined) throw failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }

  /**
   * Calls a tool and gives its result as the protocol has it; a failed tool is a result with `isError`.
   * @throws {MCPError} what the server answered. @throws {MCPClientError} everything else.
   * @throws {AnswerScriptError} when the server asked for more than was scripted.
   */
  callTool(name: string, options: ToolCallOptions = {}): Promise<CallToolResult> {
    const { arguments: args, ...request } = options;
    return this.#settled((client) => client.callTool(name, args, request));
  }

  /**
   * Calls a tool and gives its value: structured content, or text. Throws as `callTool` does.
   * @throws {ToolExecutionError} when the tool failed.
   */
  call<const Output extends StandardSchemaV1 | JsonSchema = JsonSchema>(
    name: string,
    options: ToolValueOptions<Output> = {},
  ): Promise<CallValue<Output>> {
    const { arguments: args, ...request } = options;
    return this.#settled((client) => client.call<Output>(name, args, request));
  }

  /** The client behind it, for everything else: lists, prompts, resources, completion, subscriptions. */
  get client(): MCPClient {
    if (this.#client === undefined) {
      throw new Error('MCPTestClient: "client" is there from "await connect()" to "disconnect()"');
    }
    return this.#client;
  }

  /** The server under test; undefined before `connect`, and for a URL. */
  get server(): ServerUnderTest | undefined {
    return this.#server;
  }

  /** Where the server can be reached; undefined in memory. */
  get url(): string | undefined {
    return this.#url;
  }

  /** Every message that crossed, as it was on the wire, the latest `maxTraffic`. */
  get traffic(): readonly TrafficEntry[] {
    return this.#recorder.entries;
  }

  /** How many messages `traffic` has given up to stay within `maxTraffic`. */
  get trafficDropped(): number {
    return this.#recorder.dropped;
  }

  /** Forgets the traffic so far. */
  clearTraffic(): void {
    this.#recorder.clear();
  }

  /** The notifications in `traffic`, in order. */
  get notifications(): readonly ReceivedNotification[] {
    return this.#recorder.notifications();
  }

  /** What the server asked, in order. */
  get asked(): readonly AskedQuestion[] {
    return this.#answers.asked;
  }

  /** Scripted answers that no question has used yet. */
  get unusedAnswers(): number {
    return this.#answers.unused;
  }

  /** What a server has logged that a function made with the logger it was given. */
  get serverLog(): readonly ServerLogEntry[] {
    return this.#log;
  }

  /** The faults of the connection; undefined without the option `chaos`, and before `connect`. */
  get chaos(): ChaosTransport | undefined {
    return this.#chaos;
  }

  async #settled<Value>(act: (client: MCPClient) => Promise<Value>): Promise<Value> {
    // One microtask less for every call but the first.
    const client = this.#client ?? (await this.#open());
    let value: Value;
    try {
      value = await act(client);
    } catch (error) {
      throw this.#answers.takeFailure() ?? error;
    }
    const failure = this.#answers.takeFailure();
    if (failure !== undefined) throw failure;
    return value;
  }

  #open(): Promise<MCPClient> {
    if (this.#ended) throw new Error("MCPTestClient: it was disconnected; make a new one");
    this.#opening ??= this.#connect();
    return this.#opening;
  }

  async #connect(): Promise<MCPClient> {
    const { protocol, clock, behaviour } = this.#options;
    const connection = await this.#connection();
    const client = new MCPClient({
      ...behaviour,
      ...connection,
      protocol,
      clock,
      handlers: this.#answers.handlers,
      // The one of the process would remember an earlier server at the same port.
      eraCache: createEraCache(),
    });
    this.#closers.push(() => client.close());
    await client.connect();
    this.#client = client;
    return client;
  }

  async #connection(): Promise<Pick<MCPClientOptions, "url" | "transport" | "headers">> {
    const { transport, clock, principal, chaos } = this.#options;
    if (typeof this.#target === "string" || this.#target instanceof URL) {
      this.#url = String(this.#target);
      return this.#overHttp(this.#url);
    }
    const logger = recordingLogger(this.#log);
    const { server, own } = await serverOf(this.#target, { clock, logger });
    this.#server = server;
    if (own) this.#closers.push(() => within(STOP_MS, server.stop()));
    if (transport === "http") {
      const { mount } = await import("./http-target.ts");
      const http = await mount(server);
      this.#closers.push(() => http.close());
      this.#url = http.url;
      return this.#overHttp(http.url);
    }
    let end = server.connectInMemory(principal === undefined ? {} : { principal });
    if (chaos !== undefined) {
      this.#chaos = chaosTransport(end, { ...chaos, clock });
      end = this.#chaos;
    }
    return { transport: recordedTransport(end, this.#recorder) };
  }

  async #overHttp(url: string): Promise<Pick<MCPClientOptions, "url" | "headers">> {
    const { MARK_HEADER, recordHttp } = await import("./http-recorder.ts");
    const mark = globalThis.crypto.randomUUID();
    this.#closers.push(recordHttp(mark, this.#recorder));
    return { url, headers: { ...this.#options.behaviour.headers, [MARK_HEADER]: mark } };
  }
}
