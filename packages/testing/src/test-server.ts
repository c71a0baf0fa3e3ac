import type { Clock, Logger, MessageTransport, Principal } from "@backplane/protocol";
import type { NodeHandler } from "@backplane/server";

/** The part of `MCPServer` that a test client uses. */
export interface ServerUnderTest {
  connectInMemory(options?: { readonly principal?: Principal }): MessageTransport;
  readonly nodeHandler: NodeHandler;
  stop(): Promise<void>;
}

/** What a factory may build into the server that it makes. */
export interface TestServerContext {
  /** The test client's clock: pass it on as the server's option `clock`, and both live in one time. */
  readonly clock: Clock;
  /** Keeps what the server logs, for `MCPTestClient.serverLog`. */
  readonly logger: Logger;
}

/** An `MCPServer`, also of a subclass, or a `SimpleMCPServer`. */
export type ServerInstance = ServerUnderTest | { readonly server: ServerUnderTest };

/**
 * What can be tested: a server object, which stays the test's own to stop; a class without constructor
 * arguments, or a function that makes a server, which the test client stops when it disconnects; or the URL
 * of a server that runs elsewhere.
 */
export type TestTarget =
  | ServerInstance
  | (new () => ServerInstance)
  | ((context: TestServerContext) => ServerInstance | Promise<ServerInstance>)
  | URL
  | string;

/** A server, and who ends it. */
export interface MadeServer {
  readonly server: ServerUnderTest;
  /** Whether it was made for this client alone. */
  readonly own: boolean;
}

/** The server of a target that is none of a URL. @throws {TypeError} for what is no server. */
export async function serverOf(
  target: Exclude<TestTarget, URL | string>,
  context: TestServerContext,
): Promise<MadeServer> {
  if (typeof target !== "function") return { server: unwrapped(target), own: false };
  const made = isClass(target)
    ? new target()
    : await (target as (context: TestServerContext) => ServerInstance | Promise<ServerInstance>)(
        context,
      );
  return { server: unwrapped(made), own: true };
}

function unwrapped(given: ServerInstance): ServerUnderTest {
  const server = isObject(given) && "server" in given ? given.server : given;
  if (isObject(server) && typeof server.connectInMemory === "function") return server;
  throw new TypeError(
    "MCPTestClient: the first argument must be an MCPServer, a class or function that makes one, or the URL of a running server",
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isClass(target: unknown): target is new () => ServerInstance {
  return /^class\b/.test(Function.prototype.toString.call(target));
}
