import type { FetchHandler } from "@backplane/server";
import type { RenderedRequest } from "./http-case.ts";
import type { Answer, ExchangeOptions, Peer } from "./http-peer.ts";

/** Reaches a server's portable handler in this process, without a socket. */
export class FetchPeer implements Peer {
  readonly #handler: FetchHandler;

  constructor(handler: FetchHandler) {
    this.#handler = handler;
  }

  close(): void {}

  async send(rendered: RenderedRequest, options: ExchangeOptions): Promise<Answer> {
    const gone = new AbortController();
    let request: Request;
    try {
      request = webRequest(rendered, gone.signal);
    } catch {
      // No runtime would make such a request: a GET with a body, a header of forbidden characters.
      return answer("dropped-early", undefined, "");
    }
    const hung = timeout(options.hangMs ?? 20_000);
    const response = await Promise.race([this.#handler(request), hung.promise]);
    hung.cancel();
    if (response === undefined) return answer("silent", undefined, "");
    const linger = timeout(options.lingerMs);
    options.signal?.addEventListener("abort", linger.expire, { once: true });
    let text = "";
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const piece = await Promise.race([reader?.read() ?? DONE, linger.promise]);
      if (piece === undefined) {
        // As when a browser leaves: the request's signal fires, and nobody reads the body.
        gone.abort();
        await reader?.cancel();
        return answer("dropped", response, text);
      }
      if (piece.done) break;
      const decoded = decoder.decode(piece.value, { stream: true });
      text += decoded;
      options.onText?.(decoded);
    }
    linger.cancel();
    return answer("complete", response, text);
  }
}

const DONE = { done: true, value: undefined } as const;

function webRequest(rendered: RenderedRequest, signal: AbortSignal): Request {
  const { method, target, headers, body, chunked } = rendered;
  return new Request(new URL(target, "http://127.0.0.1/"), {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    signal,
    ...(body !== undefined && { body: chunked ? inPieces(body) : body }),
    // Node's types know it, those of the web do not yet.
    ...(chunked && { duplex: "half" as const }),
  });
}

function inPieces(body: Buffer): ReadableStream<Uint8Array> {
  const middle = Math.floor(body.length / 2);
  return new ReadableStream({
    start(controller) {
      for (const piece of [body.subarray(0, middle), body.subarray(middle)]) {
        if (piece.length > 0) controller.enqueue(piece);
      }
      controller.close();
    },
  });
}

function answer(ended: Answer["ended"], response: Response | undefined, body: string): Answer {
  const { status = 0, headers } = response ?? {};
  return { ended, status, headers: Object.fromEntries(headers ?? []), body };
}

function timeout(delayMs: number): {
  readonly promise: Promise<undefined>;
  expire(): void;
  cancel(): void;
} {
  let expire: () => void = () => undefined;
  const promise = new Promise<undefined>((resolve) => {
    expire = () => resolve(undefined);
  });
  // The longest that a timer takes.
  const timer = setTimeout(expire, Math.min(delayMs, 2 ** 31 - 1));
  return { promise, expire: () => expire(), cancel: () => clearTimeout(timer) };
}
