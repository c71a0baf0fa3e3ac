/** `degraded` still serves; `unhealthy` should get no traffic. */
export type HealthStatus = "healthy" | "degraded" | "unhealthy";

/** What one check found. Members beside these are shown to whoever may read the details. */
export interface HealthCheckResult {
  readonly status: HealthStatus;
  /** Why, for an operator: no credentials, no stack. */
  readonly message?: string;
  /** How long the check took. */
  readonly durationMs?: number;
  readonly [detail: string]: unknown;
}

/** What a health check reports: the body of `/health/details`. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly checks: Readonly<Record<string, HealthCheckResult>>;
  /** When it was found out, ISO 8601 in UTC. */
  readonly timestamp: string;
}

/**
 * Says whether what a server depends on works. The server asks on behalf of `/ready` and `/health/details`,
 * never for `/health`: a neighbour's fault is no reason to restart this process. One that throws, hangs or
 * answers anything else than a report counts as unhealthy.
 */
export interface HealthCheck {
  /** @param signal fires when the answer is no longer waited for. */
  checkHealth(signal?: AbortSignal): HealthReport | Promise<HealthReport>;
}
