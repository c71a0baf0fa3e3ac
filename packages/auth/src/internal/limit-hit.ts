import { CHANNELS, type Invocation, type LimitEvent } from "@backplane/protocol";

/** Tells whoever listens that a limit refused a call. */
export function limitHit(
  limit: LimitEvent["limit"],
  { context, target }: Invocation,
  retryAfterMs: number,
): void {
  if (!CHANNELS.limit.hasSubscribers) return;
  const { serverId } = context;
  CHANNELS.limit.publish({ serverId, limit, context, target, retryAfterMs, route: undefined });
}
