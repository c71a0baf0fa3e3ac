import { APIKeyAuth, policy, rateLimit } from "@backplane/auth";
import { caching, MCPCache } from "@backplane/cache";
import { AuditLog, HealthChecker, MCPMetrics } from "@backplane/monitoring";
import { Dashboard, type DashboardOptions } from "@backplane/monitoring/dashboard";
import { MCPServer, type MCPServerOptions, ToolExecutionError } from "@backplane/server";
import { z } from "zod";
import { KEYS } from "./observed-server.ts";

const HOSTILE_DESCRIPTION =
  '<img src=x onerror="window.executed=1"><script>window.executed=1</script> "quoted" \u202eturned\u0007 🦊👩‍👩‍👧';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** What a test may change while it runs. */
export interface DashboardRig {
  readonly server: MCPServer;
  readonly auth: APIKeyAuth;
  readonly audit: AuditLog;
  readonly dashboard: Dashboard;
  readonly url: string;
  readonly at: string;
  health: { sick: boolean };
  stop(): Promise<void>;
}

/** A server with everything that the dashboard has a panel for. */
export async function dashboardRig(
  options: Partial<DashboardOptions> = {},
  serverOptions: Partial<MCPServerOptions> = {},
): Promise<DashboardRig> {
  const auth = new APIKeyAuth({
    apiKeys: { ada: { key: KEYS.ada, roles: ["admin"] }, bob: KEYS.bob },
    allowWeakKeys: true,
  });
  const server = new MCPServer({
    name: "observed",
    version: "1.0.0",
    logger: quiet,
    ...(options.open ? {} : { auth, policy: policy() }),
    ...serverOptions,
  });
  addTools(server);
  server.use(
    rateLimit({ limit: 100, windowMs: 60_000 }),
    caching(new MCPCache({ name: "answers" })),
  );
  const metrics = new MCPMetrics({ server });
  const audit = new AuditLog({ server, sink: () => {}, flushMs: 5 });
  const health = { sick: false };
  const checks = { database: { check: () => !health.sick, cacheMs: 1 } };
  server.addHealthChecker(new HealthChecker({ checks, cacheMs: 1 }), {
    open: options.open ?? false,
  });
  const dashboard = new Dashboard({ server, metrics, audit, ...options });
  const { url = "" } = await server.start({ port: 0 });
  const at = new URL(options.path ?? "/dashboard", url).href;
  return { server, auth, audit, dashboard, url, at, health, stop: () => server.stop() };
}

function addTools(server: MCPServer): void {
  const text = z.object({ text: z.string().describe("What comes back.") });
  server.tool("echo", { input: text, description: HOSTILE_DESCRIPTION }, ({ text }) => text);
  server.tool("refuses", {}, () => {
    throw new ToolExecutionError(-1, "not today");
  });
  server.tool(
    "forecast",
    { annotations: { readOnlyHint: true }, cacheHint: { ttlMs: 60_000 } },
    () => "sunny",
  );
  server.tool("secret", { roles: ["admin"] }, () => "only for admins");
  server.tool("whoami", {}, (_args, { principal }) => principal?.id ?? "nobody");
  server.tool("book", { input: z.object({ room: z.string() }) }, async ({ room }, ctx) => {
    const { action, content } = await ctx.elicit("people", {
      message: `How many in <b>${room}</b>?`,
      schema: z.object({ people: z.number().int(), layout: z.enum(["table", "rows"]) }),
    });
    return action === "accept" ? `${room}: ${content?.people}, ${content?.layout}` : action;
  });
  server.tool("steps", {}, async (_args, ctx) => {
    for (const step of [1, 2, 3]) {
      ctx.progress({ progress: step, total: 4, message: `step ${step}` });
      ctx.log("info", `at ${step}`);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    return "all steps";
  });
  server.tool("hangs", {}, (_args, { signal }) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  });
  server.tool("megabytes", {}, () => `<b>${"m".repeat(3_000_000)}`);
}
