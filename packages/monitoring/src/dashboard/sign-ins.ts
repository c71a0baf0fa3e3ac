import { Buffer } from "node:buffer";
import {
  CHANNELS,
  type HttpRouteRequest,
  type Principal,
  principalKey,
  Secret,
} from "@backplane/protocol";
import type { ResolvedDashboard } from "./options.ts";

/** How long a credential is taken to be good after it was looked at: one that was revoked ends its sign-in. */
const TRUSTED_MS = 60_000;
/** What a header can carry (RFC 9110, 5.5), and a credential never needs more of. */
const CREDENTIAL = /^[\x21-\x7e](?:[\x20-\x7e]{0,8190}[\x21-\x7e])?$/;

/** The name of the route that takes a credential, below the dashboard's path. */
export const SIGN_IN = "sign-in";

type Headers = Readonly<Record<string, string>>;

/** Somebody who has signed in. */
export interface SignIn {
  /** As the authenticator said last: roles and scopes may have been taken away meanwhile. */
  principal: Principal;
  /** Has to come with every call: a cookie alone would also come with what another page sends. */
  readonly csrfToken: string;
  endsAtMs: number;
  /** The credential, to be asked about again. */
  readonly headers: Secret;
  checkedAtMs: number;
}

/** What came of a credential that was typed in. */
export type SignInOutcome =
  | { readonly id: string; readonly signIn: SignIn }
  | { readonly status: 400 | 401 | 403 | 503; readonly message: string };

/** Who has signed in: by random ids that say nothing, in bounded number. */
export class SignIns {
  readonly #options: ResolvedDashboard;
  readonly #byId = new Map<string, SignIn>();

  constructor(options: ResolvedDashboard) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Exchanges a credential for an id. */
  async begin(request: HttpRouteRequest, credential: unknown): Promise<SignInOutcome> {
    if (typeof credential !== "string" || !CREDENTIAL.test(credential)) {
      return { status: 400, message: "A key or token has 1 to 8,192 printable ASCII characters" };
    }
    let refusal: { status: 401 | 503; stage: string | undefined } = {
      status: 401,
      stage: "credential",
    };
    for (const headers of this.#options.credentialHeaders(credential)) {
      const outcome = await request.authenticate(headers);
      if (outcome === undefined) break;
      if ("principal" in outcome) return this.#accept(request, outcome.principal, headers);
      const { status, stage } = outcome.failure;
      // One that cannot say now may know it later; the others have said no.
      if (status === 503 || refusal.status !== 503) {
        refusal = { status: status === 503 ? 503 : 401, stage };
      }
    }
    this.#tell("authenticationRefused", request, undefined, refusal.status, refusal.stage);
    return refusal.status === 503
      ? { status: 503, message: "Whoever knows the credentials cannot be reached now" }
      : { status: 401, message: "Nobody has this key or token" };
  }

  /** @returns undefined for an id that nobody has, or whose time is over. */
  find(id: string | undefined): SignIn | undefined {
    const signIn = id === undefined ? undefined : this.#byId.get(id);
    if (signIn === undefined) return undefined;
    if (signIn.endsAtMs > Date.now()) return signIn;
    this.#byId.delete(id as string);
    return undefined;
  }

  /** The same, after the authenticator was asked again when that is a while ago. */
  async checked(
    id: string | undefined,
    request: Pick<HttpRouteRequest, "authenticate">,
  ): Promise<SignIn | undefined> {
    const signIn = this.find(id);
    if (signIn === undefined) return undefined;
    if (Date.now() - signIn.checkedAtMs >= TRUSTED_MS) {
      // At once: what comes meanwhile does not ask as well.
      signIn.checkedAtMs = Date.now();
      const headers = JSON.parse(signIn.headers.reveal()) as Headers;
      const outcome = await request.authenticate(headers);
      const known = outcome !== undefined && "principal" in outcome ? outcome.principal : undefined;
      // A credential may be given to somebody else; who signed in is not them.
      const isSame = principalKey(known) === principalKey(signIn.principal);
      // An authenticator that cannot say now has not said no.
      const isAway =
        outcome !== undefined && "failure" in outcome && outcome.failure.status === 503;
      if (!isSame && !isAway) {
        this.end(id);
        return undefined;
      }
      if (known !== undefined) {
        signIn.principal = known;
        const { expiresAtMs = Number.POSITIVE_INFINITY } = known;
        signIn.endsAtMs = Math.min(signIn.endsAtMs, expiresAtMs);
      }
    }
    if (this.#options.allow(signIn.principal)) return signIn;
    this.end(id);
    return undefined;
  }

  end(id: string | undefined): void {
    if (id !== undefined) this.#byId.delete(id);
  }

  clear(): void {
    this.#byId.clear();
  }

  #accept(request: HttpRouteRequest, principal: Principal, headers: Headers): SignInOutcome {
    this.#tell("authenticated", request, principal, undefined, undefined);
    if (!this.#options.allow(principal)) {
      return { status: 403, message: "Whoever has this key or token may not see this page" };
    }
    const now = Date.now();
    const { sessionMs, maxSessions } = this.#options;
    const ends = Math.min(now + sessionMs, principal.expiresAtMs ?? Number.POSITIVE_INFINITY);
    for (const [id, { endsAtMs }] of this.#byId) if (endsAtMs <= now) this.#byId.delete(id);
    while (this.#byId.size >= maxSessions) {
      this.#byId.delete(this.#byId.keys().next().value as string);
    }
    const id = randomToken();
    const signIn: SignIn = {
      principal,
      csrfToken: randomToken(),
      endsAtMs: ends,
      headers: new Secret(JSON.stringify(headers)),
      checkedAtMs: now,
    };
    this.#byId.set(id, signIn);
    return { id, signIn };
  }

  /** Audit and metrics hear of it as of every other credential. */
  #tell(
    channel: "authenticated" | "authenticationRefused",
    { remoteAddress }: HttpRouteRequest,
    principal: Principal | undefined,
    status: number | undefined,
    stage: string | undefined,
  ): void {
    if (!CHANNELS[channel].hasSubscribers) return;
    const { server, path } = this.#options;
    CHANNELS[channel].publish({
      serverId: server.serverId,
      transport: "http",
      remoteAddress,
      principal,
      status,
      stage,
      route: `${path}/${SIGN_IN}`,
    });
  }
}

/** 256 random bits, base64url. */
export function randomToken(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(32));
  return Buffer.from(bytes).toString("base64url");
}
