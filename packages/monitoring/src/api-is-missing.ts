/** @throws {Error} that names the package to install, when it was that which could not be loaded. */
export function apiIsMissing(cause: unknown): never {
  throw new Error(
    "OpenTelemetry cannot be used: install @opentelemetry/api, and its SDK, beside @backplane/monitoring",
    { cause },
  );
}
