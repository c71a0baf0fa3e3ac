import { AuditLog, type AuditSink, type Logs, logEvents, MCPMetrics } from "@backplane/monitoring";
import { Dashboard } from "@backplane/monitoring/dashboard";
import { auditFile } from "@backplane/monitoring/node";
import { prometheus } from "@backplane/monitoring/prometheus";
import type { MCPServer } from "@backplane/server";
import { isOperator } from "./access/roles.ts";
import type { Config } from "./config.ts";

/**
 * Counts, records, logs and shows what the server does; it ends with the server.
 * @returns the audit, for the report of its health.
 */
export function addMonitoring(server: MCPServer, config: Config, logs: Logs): AuditLog {
  const metrics = new MCPMetrics({ server });
  // With a name, the replicas are told apart also where the scraper's own labels are lost.
  const { serverName } = config;
  server.addRoute(prometheus(serverName === undefined ? metrics : { [serverName]: metrics }));
  const audit = new AuditLog({ server, sink: auditSink(config), logger: logs.channel("audit") });
  new Dashboard({ server, metrics, audit, allow: isOperator });
  const stopLogging = logEvents({ server, logger: logs.channel("requests") });
  server.onStop("metrics", () => {
    metrics.close();
    stopLogging();
  });
  return audit;
}

/** Without a file nothing outlives the process: the last records are in memory, for the dashboard. */
function auditSink({ auditFile: path }: Config): AuditSink {
  return path === undefined ? { write: () => {} } : auditFile({ path });
}
