import { type ClientAuth, checkMembers, redactText, Secret } from "@backplane/protocol";
import { OAuthClientError, shownUrl } from "./errors.ts";

/** Where a bearer token may go. */
export interface BearerTokenOptions {
  /** Origins such as `https://mcp.example`. Default: the one of the first request, and no other. */
  readonly origins?: readonly string[];
}

/** A token that the application has, or gets elsewhere: asked for before each request. */
export type BearerTokenInput = string | Secret | (() => string | Secret | Promise<string | Secret>);

/** What a header may hold after the scheme (RFC 6750, 2.1, and what servers really issue). */
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * A bearer token (RFC 6750). It is never sent to another origin than its own. A function is asked again
 * when its token was refused; the request is retried when it then gives another one.
 *
 * @throws {TypeError} when the token or an origin is none.
 * @throws {OAuthClientError} from a request to another origin, with code `origin_mismatch`.
 */
export function bearerToken(token: BearerTokenInput, options: BearerTokenOptions = {}): ClientAuth {
  checkMembers("bearerToken", options, ["origins"]);
  const origins = options.origins?.map(readOrigin);
  const read = typeof token === "function" ? token : constant(token);
  let pinned: readonly string[] | undefined = origins;

  const authorization = async (): Promise<string> => `Bearer ${reveal(await read())}`;
  return {
    async headers({ url }) {
      const { origin } = new URL(url);
      pinned ??= [origin];
      if (!pinned.includes(origin)) {
        throw new OAuthClientError(
          "origin_mismatch",
          "resource",
          `bearerToken: the token is for ${pinned.join(", ")}, not for ${shownUrl(url)}; option "origins" can name more`,
        );
      }
      return { authorization: await authorization() };
    },
    async onChallenge({ status, sent }) {
      if (status !== 401 || typeof token !== "function") return "fail";
      return (await authorization()) === sent["authorization"] ? "fail" : "retry";
    },
  };
}

function constant(token: string | Secret): () => Secret {
  const secret = token instanceof Secret ? token : new Secret(token);
  reveal(secret);
  return () => secret;
}

function reveal(token: string | Secret): string {
  const text = token instanceof Secret ? token.reveal() : token;
  if (typeof text === "string" && TOKEN.test(text)) return text;
  throw new TypeError(
    "bearerToken: the token must be visible ASCII without blanks, and without the word Bearer",
  );
}

function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.origin === text) return text;
  throw new TypeError(
    `bearerToken: option "origins" holds ${redactText(JSON.stringify(text))}; write it as "https://mcp.example"`,
  );
}
