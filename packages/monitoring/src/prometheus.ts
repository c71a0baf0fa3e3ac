import { checkMembers, type HttpRoute } from "@backplane/protocol";
import type { MCPMetrics } from "./metrics/mcp-metrics.ts";
import { type ExposedMetrics, exposition } from "./prometheus/exposition.ts";

/** How the metrics are served. */
export interface PrometheusOptions {
  /** Default `/metrics`. */
  readonly path?: string;
  /**
   * Serves them without a credential, to this machine alone: refused when the server binds beyond loopback, and
   * to requests with a forwarded header. Default false: the server's authenticator must know who asks.
   */
  readonly open?: boolean;
}

const SUBJECT = "prometheus";
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The route that Prometheus reads: `server.addRoute(prometheus(metrics))`. Only who has a credential may, since
 * the names of tools and how they are used are nobody else's business.
 * @param metrics those of one server, or by the name that their label `server` shall have.
 * @throws {TypeError} that names the option.
 */
export function prometheus(
  metrics: MCPMetrics | Readonly<Record<string, MCPMetrics>>,
  options: PrometheusOptions = {},
): HttpRoute {
  checkMembers(SUBJECT, options, ["path", "open"]);
  const { path = "/metrics", open = false } = options;
  const exposed = exposedOf(metrics);
  return {
    method: "GET",
    path,
    access: "authenticated",
    open,
    handle: () => ({ headers: { "Content-Type": CONTENT_TYPE }, body: exposition(exposed) }),
  };
}

/** The same text, for a server of your own. */
export function prometheusText(metrics: MCPMetrics | Readonly<Record<string, MCPMetrics>>): string {
  return exposition(exposedOf(metrics));
}

function exposedOf(
  metrics: MCPMetrics | Readonly<Record<string, MCPMetrics>>,
): readonly ExposedMetrics[] {
  const exposed = isMetrics(metrics)
    ? [{ name: undefined, metrics }]
    : Object.entries(metrics ?? {}).map(([name, one]) => ({ name, metrics: one }));
  if (exposed.length === 0 || !exposed.every((one) => isMetrics(one.metrics))) {
    throw new TypeError(`${SUBJECT}: give it an MCPMetrics, or an object of them by name`);
  }
  return exposed;
}

/** By its shape: it may be one of another copy of this package. */
function isMetrics(value: unknown): value is MCPMetrics {
  return (
    typeof value === "object" && value !== null && "clientMetrics" in value && "getStats" in value
  );
}
