import {
  createResultEnvelope,
  isSharedResult,
  type MCPError,
  type MethodRow,
  type RequestId,
  type ResultEnvelope,
  type WireCodec,
} from "@backplane/protocol";
import type { CacheHints } from "./cache-hint.ts";
import type { Call } from "./call.ts";
import type { ResolvedOptions } from "./options.ts";

/** The JSON of a shared result, and what it was made for. */
interface SharedText {
  readonly codec: WireCodec;
  readonly objectOutput: boolean | undefined;
  readonly text: string;
}

/** Gives results and errors the wire form of their era. */
export class ResponseEncoder {
  readonly #envelope: ResultEnvelope;
  readonly #hints: CacheHints;
  /** JSON of results that are the same object again and again: list pages, by identity. */
  readonly #shared = new WeakMap<object, SharedText>();

  constructor(options: ResolvedOptions, hints: CacheHints) {
    this.#hints = hints;
    this.#envelope = createResultEnvelope(options.serverInfo);
  }

  result(call: Call, row: MethodRow, result: object): string {
    const known = this.#shared.get(result);
    // One that was kept may be asked for in another revision than before.
    const fits = known?.codec === call.peer.codec && known.objectOutput === call.objectOutput;
    const text = fits ? known.text : this.#encodeNew(call, row, result);
    return `{"jsonrpc":"2.0","id":${encodeId(call.requestId)},"result":${text}}`;
  }

  error(call: Call, error: MCPError): string {
    return encodeFailure(call.requestId, call.peer.codec.encodeError(error));
  }

  #encodeNew(call: Call, row: MethodRow, result: object): string {
    const text = this.#encode(call, row, result);
    if (isSharedResult(result)) {
      const { objectOutput, peer } = call;
      this.#shared.set(result, { codec: peer.codec, objectOutput, text });
    }
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

/** The JSON text of a failed response; without a usable id the member is left out. */
export function encodeFailure(id: RequestId | undefined, error: object): string {
  const member = id === undefined ? "" : `,"id":${encodeId(id)}`;
  return `{"jsonrpc":"2.0"${member},"error":${JSON.stringify(error)}}`;
}

function encodeId(id: RequestId): string {
  return typeof id === "number" ? String(id) : JSON.stringify(id);
}
