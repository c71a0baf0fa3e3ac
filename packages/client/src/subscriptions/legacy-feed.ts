import { MCPError, type ServerCapabilities } from "@backplane/protocol";
import { MCPClientError } from "../errors.ts";
import type { Link } from "../link.ts";
import type { ChangeEvent } from "../subscription-types.ts";
import { ask } from "./ask.ts";
import type { ListKind } from "./changes.ts";
import type { Acceptance, Feed, FeedError, FeedParts } from "./feed.ts";
import type { Wanted } from "./wanted.ts";

/** Requests under way at once: a session of a small server has few threads. */
const PARALLEL = 16;

/**
 * Changes in a session: `resources/subscribe` for each URI, and the lists unasked. Over HTTP both come on the
 * session's GET stream, which is opened with the first update.
 */
export class LegacyFeed implements Feed {
  readonly link: Link;
  readonly #parts: FeedParts;
  /** URIs that the server was asked for and agreed to. */
  readonly #subscribed = new Set<string>();
  #streamOpen = false;
  #interrupted = false;
  #over = false;

  constructor(parts: FeedParts) {
    this.link = parts.link;
    this.#parts = parts;
  }

  async update(wanted: Wanted, accepted: (acceptance: Acceptance) => void): Promise<void> {
    const { capabilities } = this.link.server;
    const lists = new Set([...wanted.lists].filter((kind) => tellsChanges(capabilities, kind)));
    const uris = capabilities.resources?.subscribe === true ? wanted.uris : new Set<string>();
    const refusals = new Map<string, FeedError>();
    const fresh = [...uris].filter((uri) => !this.#subscribed.has(uri));
    if (lists.size > 0 || uris.size > 0) await this.#openStream();
    await forEach(fresh, (uri) => this.#subscribe(uri, refusals));
    if (this.#over) throw closedError();
    const stale = [...this.#subscribed].filter((uri) => !uris.has(uri));
    const honoured = {
      lists,
      uris: new Set([...uris].filter((uri) => this.#subscribed.has(uri))),
    };
    accepted({ honoured, refusals });
    await forEach(stale, (uri) => this.#unsubscribe(uri));
  }

  notified(event: ChangeEvent): boolean {
    if (this.#over) return false;
    this.#parts.events.onChange(event);
    return true;
  }

  serverStream(state: "open" | "interrupted" | "ended", error: MCPClientError | undefined): void {
    if (this.#over || !this.#streamOpen) return;
    const { events } = this.#parts;
    if (state === "ended") this.#end(error ?? streamLost());
    else if (state === "interrupted") {
      this.#interrupted = true;
      events.onInterrupted(error ?? streamLost());
    } else if (this.#interrupted) {
      this.#interrupted = false;
      events.onResumed();
    }
  }

  lost(error: FeedError): void {
    this.#end(error);
  }

  async close(telling: boolean): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    if (telling) await forEach([...this.#subscribed], (uri) => this.#unsubscribe(uri));
  }

  async #openStream(): Promise<void> {
    const { transport } = this.link;
    if (this.#streamOpen || transport.openServerStream === undefined) return;
    if (!(await transport.openServerStream())) {
      throw new MCPClientError(
        "not_supported",
        "the server tells of no changes: it has no stream for them (405 to GET)",
      );
    }
    this.#streamOpen = true;
  }

  /** What the server itself says against one URI is that URI's; everything else is the connection's. */
  async #subscribe(uri: string, refusals: Map<string, FeedError>): Promise<void> {
    try {
      await ask(this.link, "resources/subscribe", { uri }, this.#parts.acknowledgeMs);
      this.#subscribed.add(uri);
    } catch (error) {
      if (!MCPError.isInstance(error)) throw error;
      refusals.set(uri, error);
    }
  }

  async #unsubscribe(uri: string): Promise<void> {
    this.#subscribed.delete(uri);
    if (this.link.over) return;
    try {
      await ask(this.link, "resources/unsubscribe", { uri }, this.#parts.acknowledgeMs);
    } catch (error) {
      // Its updates are dropped here, whatever the server thinks.
      this.#parts.logger.debug({ err: error }, "the server did not end a resource subscription");
    }
  }

  #end(error: FeedError): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.events.onEnd(error);
  }
}

function tellsChanges(capabilities: ServerCapabilities, kind: ListKind): boolean {
  return capabilities[kind]?.listChanged === true;
}

function streamLost(): MCPClientError {
  return new MCPClientError("connection_lost", "the stream of changes was lost");
}

function closedError(): MCPClientError {
  return new MCPClientError("closed", "the subscription was closed");
}

/** Runs a task for each item, a few at a time; after the first failure no further one begins. */
async function forEach<Item>(
  items: readonly Item[],
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await task(item);
      } catch (error) {
        queue.length = 0;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
}
