import { MCPClientError } from "../errors.ts";
import type { Link } from "../link.ts";
import type { Acceptance, Feed, FeedError, FeedParts } from "./feed.ts";
import { ListenStream } from "./listen-stream.ts";
import type { Wanted } from "./wanted.ts";

const NO_REFUSALS: ReadonlyMap<string, FeedError> = new Map();

/**
 * Changes over `subscriptions/listen`. A filter cannot be changed, so a new stream is opened beside the old one,
 * which ends once the new one is acknowledged: nothing is missed in between.
 */
export class ModernFeed implements Feed {
  readonly link: Link;
  readonly #parts: FeedParts;
  #stream: ListenStream | undefined = undefined;
  #next: { readonly stream: ListenStream; reject(error: FeedError): void } | undefined = undefined;
  /** What ended the stream while the next one was on its way. */
  #ended: { readonly error: FeedError | undefined } | undefined = undefined;
  #over = false;

  constructor(parts: FeedParts) {
    this.link = parts.link;
    this.#parts = parts;
  }

  update(wanted: Wanted, accepted: (acceptance: Acceptance) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream: ListenStream = new ListenStream(this.#parts, wanted, {
        onAcknowledged: (honoured) => {
          const resumed = this.#ended !== undefined;
          this.#stream?.close();
          this.#stream = stream;
          this.#next = undefined;
          this.#ended = undefined;
          accepted({ honoured, refusals: NO_REFUSALS });
          if (resumed) this.#parts.events.onResumed();
          resolve();
        },
        onChange: (event) => this.#parts.events.onChange(event),
        onEnd: (error) => {
          if (stream === this.#stream) {
            this.#stream = undefined;
            if (this.#next === undefined) this.#end(error);
            else this.#ended = { error };
            return;
          }
          this.#next = undefined;
          reject(error);
          if (this.#ended !== undefined) this.#end(this.#ended.error);
        },
      });
      this.#next = { stream, reject };
    });
  }

  /** Changes come on the stream alone. */
  notified(): boolean {
    return false;
  }

  serverStream(): void {}

  /** The stream has its own end. */
  lost(): void {}

  async close(): Promise<void> {
    this.#over = true;
    this.#stream?.close();
    this.#next?.stream.close();
    this.#next?.reject(new MCPClientError("closed", "the subscription was closed"));
  }

  #end(error: FeedError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.events.onEnd(error);
  }
}
