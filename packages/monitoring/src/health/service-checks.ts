import { checkMembers, checkMethods, redactText } from "@backplane/protocol";
import type { AuditStatus } from "../audit/audit-log.ts";
import type { Check } from "./check.ts";

/** What a check needs of a Redis client: ioredis and node-redis both have it. */
export interface RedisPing {
  ping(): Promise<unknown>;
}

/** What a check needs of PostgreSQL: a client or pool of `pg`, or what resembles one. */
export interface PostgresQuery {
  query(text: string): Promise<unknown>;
}

/**
 * Whether Redis answers `PING`.
 * @throws {TypeError} for what cannot ping.
 */
export function redisCheck(client: RedisPing): Check {
  checkMethods("redisCheck", "client", client ?? null, ["ping"]);
  return {
    check: async () => {
      const answer = await client.ping();
      return answer === "PONG" || { status: "unhealthy", message: "PING was not answered by PONG" };
    },
  };
}

/**
 * Whether PostgreSQL answers a query. Of a pool whose connections are all in use it says, rightly, that it does
 * not answer.
 * @throws {TypeError} for what cannot query.
 */
export function postgresCheck(client: PostgresQuery): Check {
  checkMethods("postgresCheck", "client", client ?? null, ["query"]);
  return {
    check: async () => {
      await client.query("SELECT 1");
    },
  };
}

/**
 * Whether an audit writes its records. Degrades only: calls go on without it.
 * @throws {TypeError} for what is no audit.
 */
export function auditCheck(audit: { readonly status: AuditStatus }): Check {
  if (typeof audit?.status?.degraded !== "boolean") {
    throw new TypeError("auditCheck: an AuditLog is needed");
  }
  return {
    critical: false,
    check: () => {
      const { degraded, lost, buffered, lastError } = audit.status;
      if (!degraded) return { status: "healthy", lost, buffered };
      return { status: "unhealthy", message: lastError ?? "it lost records", lost, buffered };
    },
  };
}

/** What {@link httpCheck} takes beside a URL. */
export interface HttpCheckOptions {
  /** Default `GET`. */
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  /** Which answers are healthy. Default: 200 to 299. */
  readonly isHealthy?: (status: number) => boolean;
  /** For a client of your own. Default: the runtime's `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Pick<Response, "status" | "body">>;
}

/**
 * Whether an upstream answers over HTTP. Redirects are not followed: they lead to somebody else, whose health
 * says nothing of this one. The body is not read.
 * @throws {TypeError} for a URL that is not `http:` or `https:`.
 */
export function httpCheck(url: string | URL, options: HttpCheckOptions = {}): Check {
  checkMembers("httpCheck", options, ["method", "headers", "isHealthy", "fetch"]);
  const target = String(url);
  if (!/^https?:$/.test(URL.canParse(target) ? new URL(target).protocol : "")) {
    throw new TypeError(`httpCheck: not an http or https URL: ${redactText(target, 200)}`);
  }
  const { method = "GET", headers = {}, isHealthy = isOk, fetch = globalThis.fetch } = options;
  return {
    check: async (signal) => {
      const { status, body } = await fetch(target, {
        method,
        headers: { ...headers },
        redirect: "manual",
        signal,
      });
      await body?.cancel();
      return { status: isHealthy(status) ? "healthy" : "unhealthy", httpStatus: status };
    },
  };
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}
