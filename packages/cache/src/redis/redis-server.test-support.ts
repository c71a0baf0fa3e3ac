import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { Redis } from "ioredis";

/** A `redis-server` of the test's own (tag `redis-server`), to be stopped, stalled and started again. */
export interface RedisServer {
  readonly port: number;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops it without ending it: its sockets stay open, and nothing is answered. */
  stall(): void;
  resume(): void;
  /** A connection beside those under test. */
  admin(): Redis;
  close(): Promise<void>;
}

/** @param options of the command line; a file of options, which a sentinel needs, stands first. */
export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const admins: Redis[] = [];
  const server: RedisServer = {
    port,
    async kill() {
      if (child === undefined) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      child = undefined;
    },
    async start() {
      const args = [
        "--port",
        String(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
      ];
      const files = options.slice(0, options[0]?.startsWith("--") === false ? 1 : 0);
      const all = [...files, ...args, ...options.slice(files.length)];
      child = spawn("redis-server", all, { stdio: "ignore", cwd: tmpdir() });
      await answers(port);
    },
    stall: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    admin() {
      const client = new Redis({ port, retryStrategy: () => 50 });
      client.on("error", () => {});
      admins.push(client);
      return client;
    },
    async close() {
      for (const admin of admins) admin.disconnect();
      child?.kill("SIGCONT");
      await server.kill();
    },
  };
  await server.start();
  return server;
}

/** Where the Redis is that tests share, which carry the tag `redis`. */
export const redisUrl: string = process.env["REDIS_URL"] ?? "";

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function answers(port: number): Promise<void> {
  const client = new Redis({ port, retryStrategy: () => 20, maxRetriesPerRequest: null });
  client.on("error", () => {});
  await client.ping();
  client.disconnect();
}
