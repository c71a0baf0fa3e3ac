import type { SafeUrlPolicy } from "@backplane/protocol";
import { createGuardedFetch, type FlowFetch } from "../client/guarded-fetch.ts";
import { transportFor } from "../client/transports.ts";
import { createUrlGuard } from "../client/url-guard.ts";

/** How a server asks an authorization server. */
export interface ServerFetchOptions {
  /** URLs that the options name. */
  readonly named: readonly string[];
  readonly urlPolicy: SafeUrlPolicy;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly timeoutMs: number;
}

/** Goes only to what the options name and the policy allows, follows no redirect, bounds time and size. */
export function createServerFetch(options: ServerFetchOptions): FlowFetch {
  const { named, urlPolicy, fetch, timeoutMs } = options;
  const guard = createUrlGuard(named, urlPolicy);
  const transport = transportFor(guard, fetch);
  return createGuardedFetch({ guard, transport, stage: "discovery", timeoutMs });
}
