import { existsSync } from "node:fs";
import { dirname } from "node:path";
import {
  type AuditLog,
  auditCheck,
  type Check,
  HealthChecker,
  postgresCheck,
} from "@backplane/monitoring";
import { diskSpaceCheck, eventLoopDelayCheck, heapCheck } from "@backplane/monitoring/node";
import type { Config } from "./config.ts";
import type { Database } from "./database.ts";

const MIN_FREE_BYTES = 64 * 1024 * 1024;

/**
 * What the details of health tell of. Nothing of it is critical: without Redis, database or disk there are tools
 * that work, and a server that is taken out of service serves none.
 */
export function createHealthChecker(
  config: Config,
  parts: {
    audit: AuditLog;
    database: Database | undefined;
    shared: Readonly<Record<string, Check>>;
  },
): HealthChecker {
  const { audit, database, shared } = parts;
  return new HealthChecker({
    checks: {
      audit: auditCheck(audit),
      disk: degrading(
        diskSpaceCheck({ path: existing(config.bookingsDir), minFreeBytes: MIN_FREE_BYTES }),
      ),
      event_loop: eventLoopDelayCheck(),
      heap: heapCheck(),
      ...shared,
      ...(database !== undefined && { postgres: degrading(postgresCheck(database.pool)) }),
    },
  });
}

function degrading(check: Check): Check {
  return { ...check, critical: false };
}

/** The folder, or what it will be made in. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}
