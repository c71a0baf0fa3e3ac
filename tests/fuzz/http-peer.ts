import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { RenderedRequest } from "./http-case.ts";

/** What came back. */
export interface Answer {
  /**
   * Who ended it: the server (`complete`); this client, which had seen enough of a stream (`dropped`) or
   * gave up before anything came (`dropped-early`); nobody in time (`silent`); a broken connection (`reset`).
   */
  readonly ended: "complete" | "dropped" | "dropped-early" | "silent" | "reset";
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface ExchangeOptions {
  /** How long a stream may go on once its headers are there. */
  readonly lingerMs: number;
  /** How long an answer may take to begin. Default 20,000: reached only when something hangs. */
  readonly hangMs?: number;
  /** Sees every piece of a stream as it comes. */
  readonly onText?: (text: string) => void;
  /** Drops the connection at any time. */
  readonly signal?: AbortSignal;
}

/** A way to a server. */
export interface Peer {
  send(rendered: RenderedRequest, options: ExchangeOptions): Promise<Answer>;
  close(): void;
}

/** A client of `node:http` that keeps its connections and sends what it is told, right or wrong. */
export class HttpPeer implements Peer {
  readonly #origin: URL;
  readonly #agent: Agent;

  constructor(origin: string, maxSockets: number) {
    this.#origin = new URL(origin);
    this.#agent = new Agent({ keepAlive: true, maxSockets });
  }

  close(): void {
    this.#agent.destroy();
  }

  async send(rendered: RenderedRequest, options: ExchangeOptions): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#send(rendered, options);
      // The server may close a kept connection while a request is on its way: clients try again.
      if (answer.ended !== "reset" || attempt === 3) return answer;
    }
  }

  #send(rendered: RenderedRequest, options: ExchangeOptions): Promise<Answer> {
    return new Promise((resolve) => {
      let incoming: IncomingMessage | undefined;
      let text = "";
      let outgoing: ClientRequest;
      const settle = (ended: Answer["ended"]): void => {
        clearTimeout(timer);
        resolve({
          ended,
          status: incoming?.statusCode ?? 0,
          headers: incoming?.headers ?? {},
          body: text,
        });
      };
      const drop = (ended: Answer["ended"]): void => {
        settle(ended);
        outgoing.destroy();
      };
      let timer = setTimeout(() => drop("silent"), options.hangMs ?? 20_000);
      try {
        outgoing = request(this.#origin, {
          method: rendered.method,
          path: rendered.target,
          agent: this.#agent,
          headers: this.#headers(rendered) as never,
        });
      } catch {
        // Refused on this side, by node:http: nothing was sent.
        clearTimeout(timer);
        resolve({ ended: "dropped-early", status: 0, headers: {}, body: "" });
        return;
      }
      options.signal?.addEventListener("abort", () => drop("dropped-early"), { once: true });
      outgoing.once("response", (response) => {
        incoming = response;
        clearTimeout(timer);
        timer = setTimeout(() => drop("dropped"), options.lingerMs);
        response.setEncoding("utf8");
        response.on("data", (piece: string) => {
          text += piece;
          options.onText?.(piece);
        });
        response.once("end", () => settle("complete"));
        response.once("error", () => settle("reset"));
      });
      // An answer may come while the body is still being written: it counts, not the broken pipe.
      outgoing.on("error", () => setImmediate(() => incoming ?? settle("reset")));
      if (rendered.chunked && rendered.body !== undefined) {
        const middle = Math.floor(rendered.body.length / 2);
        outgoing.write(rendered.body.subarray(0, middle));
        outgoing.end(rendered.body.subarray(middle));
      } else outgoing.end(rendered.body);
    });
  }

  /** As a flat list, which node:http sends as it is: odd cases and duplicates included. */
  #headers({ headers, body, chunked }: RenderedRequest): string[] {
    const hasHost = headers.some(([name]) => name.toLowerCase() === "host");
    return [
      ...(hasHost ? [] : ["Host", this.#origin.host]),
      ...headers.flat(),
      ...(body === undefined
        ? []
        : chunked
          ? ["Transfer-Encoding", "chunked"]
          : ["Content-Length", String(body.length)]),
    ];
  }
}
