import { AuditLog, type AuditSink, type Logs, logEvents, MCPMetrics } from "@backplane/monitoring";
import { auditFile } from "@backplane/monitoring/node";
import { prometheus } from "@backplane/monitoring/prometheus";
import type { MCPServer } from "@backplane/server";
import type { Config } from "./config.ts";

/** What is seen of a server. */
export interface Monitoring {
  readonly metrics: MCPMetrics;
  readonly audit: AuditLog;
}

/** Counts, records and logs what the server does; it ends with the server. */
export function addMonitoring(server: MCPServer, config: Config, logs: Logs): Monitoring {
  const metrics = new MCPMetrics({ server });
  // With a name, the replicas are told apart also where the scraper's own labels are lost.
  const { serverName } = config;
  server.addRoute(prometheus(serverName === undefined ? metrics : { [serverName]: metrics }));
  const audit = new AuditLog({ server, sink: auditSink(config), logger: logs.channel("audit") });
  const stopLogging = logEvents({ server, logger: logs.channel("requests") });
  server.onStop("metrics", () => {
    metrics.close();
    stopLogging();
  });
  return { metrics, audit };
}

/** Without a file nothing outlives the process; the last records are in memory for the dashboard. */
function auditSink({ auditFile: path }: Config): AuditSink {
  return path === undefined ? { write: () => {} } : auditFile({ path });
}
