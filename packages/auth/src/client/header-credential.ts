import { type ClientAuth, redactText, Secret } from "@backplane/protocol";
import { OAuthClientError, shownUrl } from "./errors.ts";

/** A credential that the application has, or gets elsewhere: asked for before each request. */
export type CredentialInput = string | Secret | (() => string | Secret | Promise<string | Secret>);

/** A credential in a header, as one of its makers names it. */
export interface HeaderCredential {
  /** The function that messages name, and what it calls the credential. */
  readonly subject: string;
  readonly noun: string;
  /** In lower case. */
  readonly headerName: string;
  /** Stands before the credential, with a blank between. */
  readonly scheme: string | undefined;
  readonly input: CredentialInput;
  readonly origins: readonly string[] | undefined;
}

/** What a header may hold as one word (RFC 6750, 2.1, and what servers really issue). */
const VISIBLE = /^[\x21-\x7e]+$/;

/**
 * Sends a credential in a header, to its own origin and to no other. A function is asked again when the
 * credential was refused; the request is retried when it then gives another one.
 * @throws {TypeError} when the credential or an origin is none.
 */
export function headerCredential(credential: HeaderCredential): ClientAuth {
  const { subject, noun, headerName, scheme, input } = credential;
  let pinned = credential.origins?.map((origin) => readOrigin(subject, origin));
  const read = typeof input === "function" ? input : constant(input);

  function constant(given: string | Secret): () => Secret {
    const secret = new Secret(reveal(given));
    return () => secret;
  }

  function reveal(given: string | Secret): string {
    const text = given instanceof Secret ? given.reveal() : given;
    if (typeof text === "string" && VISIBLE.test(text)) return text;
    const without = scheme === undefined ? "" : `, and without the word ${scheme}`;
    throw new TypeError(`${subject}: the ${noun} must be visible ASCII without blanks${without}`);
  }

  const value = async (): Promise<string> => {
    const text = reveal(await read());
    return scheme === undefined ? text : `${scheme} ${text}`;
  };
  return {
    async headers({ url }) {
      const { origin } = new URL(url);
      pinned ??= [origin];
      if (!pinned.includes(origin)) {
        throw new OAuthClientError(
          "origin_mismatch",
          "resource",
          `${subject}: the ${noun} is for ${pinned.join(", ")}, not for ${shownUrl(url)}; option "origins" can name more`,
        );
      }
      return { [headerName]: await value() };
    },
    async onChallenge({ status, sent }) {
      if (status !== 401 || typeof input !== "function") return "fail";
      return (await value()) === sent[headerName] ? "fail" : "retry";
    },
  };
}

function readOrigin(subject: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.origin === text) return text;
  throw new TypeError(
    `${subject}: option "origins" holds ${redactText(JSON.stringify(text))}; write it as "https://mcp.example"`,
  );
}
