import { concurrencyLimit, rateLimit } from "@backplane/auth";
import type { Interceptor, Logger, RateLimitStore } from "@backplane/protocol";
import { WRITES_CALENDAR } from "./policy.ts";

/** Bookings of one caller in a minute: each is a write, and a person confirms most of them. */
const BOOKINGS_PER_MINUTE = 30;
/** Calls of one caller at once. */
const MAX_AT_ONCE = 64;
const MINUTE_MS = 60_000;

/** How often, and how much at once. Replicas with one store count together; what runs at once is each one's own. */
export function createLimits(options: {
  callsPerMinute: number;
  store: RateLimitStore | undefined;
  logger: Logger;
}): readonly Interceptor[] {
  const { callsPerMinute, store, logger } = options;
  return [
    rateLimit({
      rules: [
        { limit: callsPerMinute, windowMs: MINUTE_MS },
        { limit: BOOKINGS_PER_MINUTE, windowMs: MINUTE_MS, tags: [WRITES_CALENDAR] },
      ],
      logger,
      ...(store !== undefined && { store }),
    }),
    concurrencyLimit({ max: MAX_AT_ONCE }),
  ];
}
