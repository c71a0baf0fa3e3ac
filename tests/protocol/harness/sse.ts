import type { WireMessage } from "./messages.ts";

/** One event of a stream; `data` is undefined in an event that has none. */
export interface SseEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string | undefined;
  readonly retry: number | undefined;
}

/** Reads server-sent events as the HTML standard defines them, keeping what clients must ignore. */
export class SseParser {
  readonly events: SseEvent[] = [];
  readonly comments: string[] = [];
  #buffer = "";
  #fields = new Map<string, string>();

  push(text: string): SseEvent[] {
    this.#buffer += text;
    const complete: SseEvent[] = [];
    for (;;) {
      const end = this.#buffer.search(/\r\n|\n|\r/);
      if (end === -1) break;
      const line = this.#buffer.slice(0, end);
      this.#buffer = this.#buffer.slice(end + (this.#buffer.startsWith("\r\n", end) ? 2 : 1));
      const event = this.#line(line);
      if (event) complete.push(event);
    }
    this.events.push(...complete);
    return complete;
  }

  #line(line: string): SseEvent | undefined {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) {
      this.comments.push(line.slice(1).trim());
      return undefined;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    const previous = field === "data" ? this.#fields.get("data") : undefined;
    this.#fields.set(field, previous === undefined ? value : `${previous}\n${value}`);
    return undefined;
  }

  #dispatch(): SseEvent | undefined {
    if (this.#fields.size === 0) return undefined;
    const fields = this.#fields;
    this.#fields = new Map();
    const retry = fields.get("retry");
    return {
      id: fields.get("id"),
      event: fields.get("event"),
      data: fields.get("data"),
      retry: retry === undefined ? undefined : Number(retry),
    };
  }
}

/** The JSON-RPC messages among events. */
export function messagesOf(events: readonly SseEvent[]): WireMessage[] {
  return events.flatMap(({ data }) => (data ? [JSON.parse(data) as WireMessage] : []));
}
