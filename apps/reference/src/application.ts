import { caching } from "@backplane/cache";
import { createLogs, type Logs, tracing } from "@backplane/monitoring";
import type { MCPServer } from "@backplane/server";
import { createAuthentication } from "./access/authentication.ts";
import { createLimits } from "./access/limits.ts";
import { createPolicy } from "./access/policy.ts";
import type { Config } from "./config.ts";
import { type Database, openDatabase } from "./database.ts";
import { createHealthChecker } from "./health.ts";
import { maskErrors } from "./mask-errors.ts";
import { addMonitoring } from "./monitoring.ts";
import { createReferenceServer } from "./server.ts";
import { openServices, type Services } from "./services.ts";
import { openSharedParts, type SharedParts } from "./shared-parts.ts";
import { registerConfiguredTools } from "./tools/configured-tools.ts";
import { startTracing } from "./tracing.ts";

/** Everything together, ready to be started. */
export interface Application {
  readonly server: MCPServer;
  readonly services: Services;
  /** The key of this run; undefined when keys or tokens are configured. */
  readonly developmentKey: string | undefined;
  /** The tools that the tools file has at the start. */
  readonly configuredTools: readonly string[];
  /** Lets go of what the server works with, once it has stopped. */
  close(): Promise<void>;
}

/** What the environment asked for, opened. */
interface Parts {
  readonly logs: Logs;
  readonly isTraced: boolean;
  readonly shared: SharedParts;
  readonly database: Database | undefined;
  readonly services: Services;
}

/** Puts the application together, as its configuration wants it. @throws {ConfigError} */
export async function createApplication(config: Config): Promise<Application> {
  const opened: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0).reverse()) await part.close();
  };
  try {
    const { authenticator, developmentKey } = createAuthentication(config.access);
    const parts = await openParts(config, (part) => {
      opened.push(part);
      return part;
    });
    const { shared, services, logs } = parts;
    const server = await createReferenceServer(services, {
      ...shared.server,
      auth: authenticator,
      policy: createPolicy(),
      logger: logs.channel("server"),
      ...(config.keyRing !== undefined && { keyRing: config.keyRing }),
      ...(config.allowedHosts !== undefined && { allowedHosts: config.allowedHosts }),
      ...(config.trustProxy !== undefined && { trustProxy: config.trustProxy }),
    });
    const { toolsFile } = config;
    const configuredTools = await registerConfiguredTools(server, toolsFile, logs.channel("tools"));
    furnish(server, config, parts);
    return { server, services, developmentKey, configuredTools, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openParts(
  config: Config,
  keep: <Part extends { close(): Promise<void> }>(part: Part) => Part,
): Promise<Parts> {
  const { traceEndpoint, serverName, databaseUrl } = config;
  const traced =
    traceEndpoint === undefined ? undefined : keep(await startTracing(traceEndpoint, serverName));
  const logs = createLogs({
    level: config.logLevel,
    ...(traced !== undefined && { traceIds: traced.ids }),
  });
  const shared = keep(await openSharedParts(config, logs));
  const database =
    databaseUrl === undefined
      ? undefined
      : keep(await openDatabase(databaseUrl, logs.channel("database")));
  const services = keep(await openServices(config, shared.cache, database));
  return { logs, isTraced: traced !== undefined, shared, database, services };
}

/** What stands around the tools: limits, cache, traces, errors, metrics, audit, dashboard, health. */
function furnish(server: MCPServer, config: Config, parts: Parts): void {
  const { logs, isTraced, shared, database } = parts;
  server.use(
    ...(isTraced ? [tracing()] : []),
    ...createLimits({
      callsPerMinute: config.callsPerMinute,
      store: shared.rateLimits,
      logger: logs.channel("limits"),
    }),
    caching(shared.cache),
    maskErrors(logs.channel("tools")),
  );
  if (database !== undefined) server.addResourceProvider(database.resources);
  const audit = addMonitoring(server, config, logs);
  const health = createHealthChecker(config, { audit, database, shared: shared.checks });
  server.addHealthChecker(health);
  server.addHealthChecker(shared.cache);
  server.onStop("health", () => health.close());
}
