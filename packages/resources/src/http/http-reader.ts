import { MCPError, resourceTooLarge, UnsafeUrlError } from "@backplane/protocol";
import { createSafeLookup } from "@backplane/protocol/node";
import { Agent, type Dispatcher, errors, request } from "undici";
import { sourceAway } from "../internal/source-away.ts";
import { AnswerCache, type KeptAnswer } from "./answer-cache.ts";
import type { HttpSettings } from "./http-options.ts";

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_RETRY_AFTER_MS = 60_000;

type Headers = Dispatcher.ResponseData["headers"];

/** Reads URLs: only where the policy allows, bounded in time, size and redirects, asked for only if changed. */
export class HttpReader {
  readonly #settings: HttpSettings;
  readonly #agent: Agent;
  readonly #cache: AnswerCache;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
    // What a name resolves to is checked where it is connected to, so that a rebound name gains nothing.
    this.#agent = new Agent({ connect: { lookup: createSafeLookup(settings.urlPolicy) } });
    this.#cache = new AnswerCache(settings.maxCachedBytes);
  }

  /**
   * Undefined when there is nothing (404, 410).
   * @throws {MCPError} −1413 for too large an answer, −1503 when the source is away.
   * @throws {UnsafeUrlError} for a redirect that the policy refuses.
   */
  async read(url: string, uri: string, signal: AbortSignal): Promise<KeptAnswer | undefined> {
    const timeout = AbortSignal.timeout(this.#settings.timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    try {
      return await this.#follow(url, uri, either);
    } catch (error) {
      signal.throwIfAborted();
      throw timeout.aborted || isNetworkError(error) ? sourceAway(error) : error;
    }
  }

  close(): Promise<void> {
    return this.#agent.close();
  }

  async #follow(start: string, uri: string, signal: AbortSignal): Promise<KeptAnswer | undefined> {
    const kept = this.#cache.get(start);
    let url = start;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const answer = await this.#get(url, kept?.url === url ? kept : undefined, signal);
      const { statusCode, headers, body } = answer;
      const location = REDIRECTS.has(statusCode) ? one(headers, "location") : undefined;
      if (location === undefined) {
        if (statusCode === 200) return this.#keep(start, url, uri, answer);
        await body.dump();
        if (statusCode === 304 && kept?.url === url) return kept;
        this.#cache.delete(start);
        if (statusCode === 404 || statusCode === 410) return undefined;
        throw refusal(statusCode, headers);
      }
      await body.dump();
      url = this.#settings.policy.assertUrl(new URL(location, url)).href;
    }
    throw new Error(`HttpResourceProvider: more than ${MAX_REDIRECTS} redirects`);
  }

  #get(
    url: string,
    kept: KeptAnswer | undefined,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { headers, baseUrl } = this.#settings;
    const isHome = new URL(url).origin === new URL(baseUrl).origin;
    return request(url, {
      dispatcher: this.#agent,
      signal,
      headers: {
        "accept-encoding": "identity",
        // A credential is for whom it was given, not for whoever they point to.
        ...(isHome && headers),
        ...(kept?.etag !== undefined && { "if-none-match": kept.etag }),
        ...(kept?.lastModified !== undefined && { "if-modified-since": kept.lastModified }),
      },
    });
  }

  async #keep(
    start: string,
    url: string,
    uri: string,
    { headers, body }: Dispatcher.ResponseData,
  ): Promise<KeptAnswer> {
    const { maxBytes } = this.#settings;
    const encoding = one(headers, "content-encoding");
    if (encoding !== undefined && encoding !== "identity") {
      body.destroy();
      throw new Error(`HttpResourceProvider: "${encoding}" was not asked for as an encoding`);
    }
    if (Number(one(headers, "content-length") ?? 0) > maxBytes) {
      body.destroy();
      throw resourceTooLarge(uri, maxBytes);
    }
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.byteLength;
      if (length > maxBytes) throw resourceTooLarge(uri, maxBytes);
      chunks.push(chunk);
    }
    const answer: KeptAnswer = {
      url,
      etag: one(headers, "etag"),
      lastModified: one(headers, "last-modified"),
      contentType: one(headers, "content-type"),
      bytes: Buffer.concat(chunks),
    };
    if (isKeepable(answer, headers)) this.#cache.set(start, answer);
    else this.#cache.delete(start);
    return answer;
  }
}

/** Something to ask by, and no word against it (RFC 9111, 3). */
function isKeepable(answer: KeptAnswer, headers: Headers): boolean {
  return (
    (answer.etag !== undefined || answer.lastModified !== undefined) &&
    !/\bno-store\b/i.test(one(headers, "cache-control") ?? "") &&
    one(headers, "vary")?.trim() !== "*"
  );
}

function one(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

function refusal(statusCode: number, headers: Headers): Error {
  const message = `HttpResourceProvider: the source answered ${statusCode}`;
  if (statusCode !== 429 && statusCode < 500) return new Error(message);
  const seconds = Number(one(headers, "retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds)
    ? Math.min(Math.max(seconds * 1_000, 0), MAX_RETRY_AFTER_MS)
    : undefined;
  return sourceAway(new Error(message), retryAfterMs);
}

/** A name or an address that was refused is no outage. */
function isNetworkError(error: unknown): boolean {
  if (MCPError.isInstance(error) || error instanceof UnsafeUrlError) return false;
  return (
    error instanceof errors.UndiciError ||
    (error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string")
  );
}
