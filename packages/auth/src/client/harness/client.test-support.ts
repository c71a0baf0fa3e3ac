import { type ClientAuth, type Clock, systemClock } from "@backplane/protocol";
import { willingUser } from "../../test-suite/oauth-server.ts";
import { OAuthClientError } from "../errors.ts";
import { type OAuthOptions, oauth } from "../oauth.ts";
import { REDIRECT_URL } from "./world.test-support.ts";

/** A client that registers by itself, with a user who says yes. */
export function userClient(options: Partial<OAuthOptions> = {}): ClientAuth {
  return oauth({
    interaction: willingUser(),
    redirectUrl: REDIRECT_URL,
    registration: { clientName: "Test" },
    ...options,
  });
}

/** The typed error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<OAuthClientError> {
  const error: unknown = await promise.then(
    (value) => new Error(`no failure but ${String(value)}`),
    (reason: unknown) => reason,
  );
  if (!OAuthClientError.isInstance(error)) throw error;
  return error;
}

/** Real timers, and a clock that a test can move: what expires is decided by `now` alone. */
export function movableClock(): Clock & { advance: (ms: number) => void } {
  let offsetMs = 0;
  return {
    now: () => systemClock.now() + offsetMs,
    after: (delayMs, callback) => systemClock.after(delayMs, callback),
    advance(ms) {
      offsetMs += ms;
    },
  };
}
