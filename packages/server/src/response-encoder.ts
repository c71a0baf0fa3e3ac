import {
  createResultEnvelope,
  type Logger,
  type MCPError,
  type MethodRow,
  type RequestId,
  type ResultEnvelope,
  type SharedText,
  sharedText,
  type WireCodec,
} from "@backplane/protocol";
import type { CacheHints } from "./cache-hint.ts";
import type { Call } from "./call.ts";
import type { AnswerText } from "./large-text.ts";
import { holdsLargeValue, LargeValues } from "./large-values.ts";
import type { ResolvedOptions } from "./options.ts";

/** The JSON of a shared result, and what it was made for. */
interface MadeText {
  readonly by: ResponseEncoder;
  readonly codec: WireCodec;
  readonly objectOutput: boolean | undefined;
  readonly text: string;
}

/** Gives results and errors the wire form of their era. */
export class ResponseEncoder {
  readonly #envelope: ResultEnvelope;
  readonly #hints: CacheHints;
  readonly #logger: Logger;

  constructor(options: ResolvedOptions, hints: CacheHints) {
    this.#hints = hints;
    this.#logger = options.logger;
    this.#envelope = createResultEnvelope(options.serverInfo);
  }

  result(call: Call, row: MethodRow, result: object): AnswerText {
    if (holdsLargeValue(result)) return this.#encodeLarge(call, row, result);
    const shared = sharedText(result);
    const text =
      shared === undefined
        ? this.#encode(call, row, result)
        : this.#once(shared, call, row, result);
    return encodeResponse(call, text);
  }

  error(call: Call, error: MCPError): string {
    return encodeFailure(call.requestId, call.peer.codec.encodeError(error));
  }

  #encodeLarge(call: Call, row: MethodRow, result: object): AnswerText {
    const values = new LargeValues(result);
    const text = encodeResponse(call, this.#encode(call, row, values.rest));
    return values.putInto(text, (err) => {
      const { method, requestId } = call;
      this.#logger.error({ method, requestId, err }, "an answer ended in the middle");
    });
  }

  #once(shared: SharedText, call: Call, row: MethodRow, result: object): string {
    const { objectOutput, peer } = call;
    const made = shared.made as MadeText | undefined;
    // One that was kept may be asked for in another revision than before, or by another server's client.
    if (made?.by === this && made.codec === peer.codec && made.objectOutput === objectOutput) {
      return made.text;
    }
    const text = this.#encode(call, row, result);
    const now: MadeText = { by: this, codec: peer.codec, objectOutput, text };
    shared.made = now;
    return text;
  }

  #encode(call: Call, row: MethodRow, result: object): string {
    const { codec } = call.peer;
    const body = codec.encodeBody(call.method, result, call.objectOutput);
    const complete = !("resultType" in result);
    const hint =
      row.cacheable === true && codec.carriesCacheHints && complete
        ? this.#hints.of(call)
        : undefined;
    const text: string | undefined = codec.encodeResult(body, this.#envelope, hint);
    // An interceptor may return anything, and so may a `toJSON`.
    if (text === undefined || !text.startsWith("{")) {
      throw new TypeError(`${call.method}: the result is not a JSON object`);
    }
    return text;
  }
}

function encodeResponse({ requestId }: Call, result: string): string {
  return `{"jsonrpc":"2.0","id":${encodeId(requestId)},"result":${result}}`;
}

/** The JSON text of a failed response; without a usable id the member is left out. */
export function encodeFailure(id: RequestId | undefined, error: object): string {
  const member = id === undefined ? "" : `,"id":${encodeId(id)}`;
  return `{"jsonrpc":"2.0"${member},"error":${JSON.stringify(error)}}`;
}

function encodeId(id: RequestId): string {
  return typeof id === "number" ? String(id) : JSON.stringify(id);
}
