import type { Era, MCPError } from "@backplane/protocol";
import type { AnswerText } from "../large-text.ts";
import type { Outlet } from "../outlet.ts";
import type { HttpExchange, SseStream } from "./exchange.ts";
import { respondJson } from "./respond.ts";

/**
 * The answer to one request within its POST. JSON until a notification makes it a stream: a status can
 * only be set while no header is out, so that choice is made as late as possible.
 */
export class PostOutlet implements Outlet {
  protected readonly exchange: HttpExchange;
  readonly #era: Era;
  #stream: SseStream | undefined;

  constructor(exchange: HttpExchange, era: Era) {
    this.exchange = exchange;
    this.#era = era;
  }

  finish(text: AnswerText, error: MCPError | undefined): void {
    if (this.#stream === undefined) {
      respondJson(this.exchange, this.#era, text, error);
      return;
    }
    if (typeof text !== "string") {
      this.#stream.finish(text);
      return;
    }
    this.#stream.send({ data: text });
    this.#stream.close();
  }

  abandon(): void {
    this.#stream?.close();
  }

  notify(text: string): void {
    this.#stream ??= this.exchange.openStream();
    this.#stream.send({ data: text });
  }
}

/** In the modern era the end of the connection is the cancellation (spec: patterns/cancellation). */
export class ModernOutlet extends PostOutlet {
  constructor(exchange: HttpExchange) {
    super(exchange, "modern");
  }

  onDisconnect(listener: () => void): void {
    this.exchange.onDisconnect(listener);
  }
}
