import { checkMembers, wholeNumber } from "@backplane/protocol";
import type { HttpTransportOptions } from "../http/http-options.ts";
import { httpTransportOptions } from "../http-target.ts";
import type { ClientBehaviour, ClientLimits, MCPClientOptions } from "../options.ts";
import { resolveBehaviour, resolveUrl } from "../resolve-options.ts";

/** What of a client's limits concerns its transport. */
export type SdkTransportLimits = Pick<
  ClientLimits,
  "maxResponseBytes" | "maxJsonDepth" | "maxStreamEvents"
>;

/** Settings of `createSdkTransport`; they mean what they mean for `MCPClient`. */
export interface SdkTransportOptions
  extends Pick<ClientBehaviour, "auth" | "headers" | "connectTimeoutMs" | "logger">,
    Pick<MCPClientOptions, "maxSockets"> {
  /** The MCP endpoint, such as `https://mcp.example/mcp`. */
  readonly url: string | URL;
  readonly limits?: Partial<SdkTransportLimits>;
}

const SUBJECT = "createSdkTransport";
const KNOWN: readonly string[] = [
  "url",
  "auth",
  "headers",
  "connectTimeoutMs",
  "logger",
  "maxSockets",
  "limits",
] satisfies (keyof SdkTransportOptions)[];
const LIMITS: readonly string[] = [
  "maxResponseBytes",
  "maxJsonDepth",
  "maxStreamEvents",
] satisfies (keyof SdkTransportLimits)[];

/** @throws {TypeError} that names the option and what it takes. */
export function resolveSdkOptions(options: SdkTransportOptions): HttpTransportOptions {
  checkMembers(SUBJECT, options, KNOWN);
  checkMembers(`${SUBJECT}: option "limits"`, options.limits ?? {}, LIMITS);
  const { url, maxSockets = 64, ...behaviour } = options;
  return httpTransportOptions(
    resolveUrl(SUBJECT, url),
    resolveBehaviour(SUBJECT, behaviour, []),
    wholeNumber(SUBJECT, "maxSockets", maxSockets),
  );
}
