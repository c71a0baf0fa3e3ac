import { ConfigError } from "./environment.ts";

/** A mistake of whoever starts the application is told in one line, anything else with its stack. */
export function describeStartupError(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { code, syscall, message, cause } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    const { address, port } = (cause ?? error) as { address?: string; port?: number };
    return `port ${port} on ${address} is in use: set PORT to a free one, or to 0 for any`;
  }
  if (syscall === "listen" || syscall === "getaddrinfo") {
    return `cannot listen: ${message}. Check HOST and PORT`;
  }
  return error instanceof Error ? (error.stack ?? message) : String(error);
}
