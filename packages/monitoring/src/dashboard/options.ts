import {
  checkMembers,
  checkMethods,
  type HealthReport,
  type HttpRoute,
  type MessageTransport,
  type ObservedServer,
  type Principal,
  wholeNumber,
} from "@backplane/protocol";
import type { AuditLog } from "../audit/audit-log.ts";
import type { MCPMetrics } from "../metrics/mcp-metrics.ts";

/** What a dashboard needs of its server; an `MCPServer` is one. */
export interface DashboardServer extends ObservedServer {
  addRoute(route: HttpRoute): () => void;
  /** Serves the dashboard's own requests, as the principal who has signed in. */
  connectInMemory(options?: { readonly principal?: Principal }): MessageTransport;
  checkHealth?(): Promise<HealthReport>;
  onStop?(name: string, close: () => void): unknown;
}

/** What `new Dashboard` takes. */
export interface DashboardOptions {
  /** Whose traffic is shown, and whose tools can be called. */
  readonly server: DashboardServer;
  /** The metrics of that server. */
  readonly metrics: MCPMetrics;
  /** Its audit: then recent calls show their record. Default none. */
  readonly audit?: AuditLog;
  /** Where the page is; everything else is below it. Default `/dashboard`. */
  readonly path?: string;
  /**
   * Serves the page without signing in, to this machine alone: refused when the server binds beyond loopback,
   * and to requests with a forwarded header. Default false: the server's authenticator must know who asks.
   */
  readonly open?: boolean;
  /**
   * Who of those with a credential may see the page: it shows what every other principal does. Default: all.
   * Asked with every request.
   */
  readonly allow?: (principal: Principal) => boolean;
  /**
   * Headers that carry a credential that was typed in. Each is tried in turn. Default
   * `Authorization: Bearer`, then `X-API-Key`.
   */
  readonly credentialHeaders?: (credential: string) => readonly Readonly<Record<string, string>>[];
  /** Longest time between two sign-ins, in milliseconds; never longer than the credential. Default 8 hours. */
  readonly sessionMs?: number;
  /** Most people signed in at once; the one who signed in first is signed out. Default 1,000. */
  readonly maxSessions?: number;
}

/** The options with every default filled in. */
export interface ResolvedDashboard extends Required<Omit<DashboardOptions, "audit">> {
  readonly audit: AuditLog | undefined;
}

const SUBJECT = "Dashboard";
const MEMBERS: readonly string[] = [
  "server",
  "metrics",
  "audit",
  "path",
  "open",
  "allow",
  "credentialHeaders",
  "sessionMs",
  "maxSessions",
] satisfies (keyof DashboardOptions)[];
const EIGHT_HOURS_MS = 28_800_000;

/** @throws {TypeError} that names the option and what it takes. */
export function resolveDashboard(options: DashboardOptions): ResolvedDashboard {
  checkMembers(SUBJECT, options, MEMBERS);
  const { server, metrics, audit, path = "/dashboard", open = false } = options;
  const { allow = () => true, credentialHeaders = bearerOrKey } = options;
  checkMethods(SUBJECT, "server", server ?? null, ["addRoute", "connectInMemory"]);
  const counted = (metrics as MCPMetrics | undefined)?.serverMetrics?.server;
  if (counted?.serverId !== server.serverId) {
    throw new TypeError(`${SUBJECT}: option "metrics" must be an MCPMetrics of the same server`);
  }
  checkMethods(SUBJECT, "audit", audit, ["recent"]);
  if (typeof path !== "string" || !/^(?:\/[\w.~-]+)+$/.test(path)) {
    throw new TypeError(`${SUBJECT}: option "path" must be a path such as "/dashboard"`);
  }
  if (typeof open !== "boolean") {
    throw new TypeError(`${SUBJECT}: option "open" must be true or false`);
  }
  for (const [name, value] of Object.entries({ allow, credentialHeaders })) {
    if (typeof value !== "function") {
      throw new TypeError(`${SUBJECT}: option "${name}" must be a function`);
    }
  }
  return {
    server,
    metrics,
    audit,
    path,
    open,
    allow,
    credentialHeaders,
    sessionMs: wholeNumber(SUBJECT, "sessionMs", options.sessionMs ?? EIGHT_HOURS_MS),
    maxSessions: wholeNumber(SUBJECT, "maxSessions", options.maxSessions ?? 1_000),
  };
}

function bearerOrKey(credential: string): readonly Readonly<Record<string, string>>[] {
  return [{ authorization: `Bearer ${credential}` }, { "x-api-key": credential }];
}
