import type { Authenticator, TransportInfo } from "@backplane/protocol";

/** Headers that hold credentials whatever the authenticator reads. */
const CREDENTIAL_HEADERS = ["authorization", "proxy-authorization", "cookie", "dpop"];

/** Every header that handlers of a server with this authenticator must not see. */
export function credentialHeadersOf(auth: Authenticator | undefined): ReadonlySet<string> {
  return new Set([...CREDENTIAL_HEADERS, ...(auth?.credentialHeaders ?? [])]);
}

/**
 * What handlers and interceptors see of the transport of a caller who is known: nothing that holds the
 * credential, so that it can neither be passed on to another service (spec: basic/authorization, token
 * passthrough) nor end in a log that prints the context.
 */
export class HandlerTransport implements TransportInfo {
  readonly kind: TransportInfo["kind"];
  readonly remoteAddress: string | undefined;
  readonly #transport: TransportInfo;
  readonly #hidden: ReadonlySet<string>;

  constructor(transport: TransportInfo, hidden: ReadonlySet<string>) {
    this.kind = transport.kind;
    this.remoteAddress = transport.remoteAddress;
    this.#transport = transport;
    this.#hidden = hidden;
  }

  header(name: string): string | undefined {
    return this.#hidden.has(name) ? undefined : this.#transport.header(name);
  }
}
