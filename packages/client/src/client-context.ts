import type { Era, Revision } from "@backplane/protocol";
import type { RequestOptions } from "./request-options.ts";

/** What an interceptor of a client knows of a request. To add to `_meta`, pass on changed `options`. */
export interface ClientContext {
  readonly method: string;
  /** The client object that sends it; the same id stands in every channel payload. */
  readonly clientId: string;
  /** Undefined until the first connection has settled it. */
  readonly era: Era | undefined;
  readonly revision: Revision | undefined;
  /** Where it goes: the URL without credentials and query, or the command. */
  readonly server: string;
  readonly options: RequestOptions;
}
