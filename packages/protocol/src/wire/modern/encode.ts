import { META_SERVER_INFO } from "../../meta.ts";
import type { CacheHint } from "../../types/primitives.ts";
import type { ResultEnvelope } from "../codec.ts";

/**
 * The JSON text of a result. Spliced rather than copied: a result is stringified once, and the members
 * that every modern result has are joined in front of its own.
 */
export function encodeResult(
  result: object,
  envelope: ResultEnvelope,
  hint: CacheHint | undefined,
): string {
  const { _meta: own, resultType } = result as Partial<Record<string, unknown>>;
  if (resultType !== undefined) return JSON.stringify(withServerInfo(result, own, envelope));
  const body = JSON.stringify(own === undefined ? result : withServerInfo(result, own, envelope));
  const head = `{"resultType":"complete"${
    hint === undefined ? "" : `,"ttlMs":${hint.ttlMs},"cacheScope":"${hint.cacheScope}"`
  }${own === undefined ? envelope.serverInfoMember : ""}`;
  return body === "{}" ? `${head}}` : `${head},${body.slice(1)}`;
}

/** The fragment that `encodeResult` joins to a result without `_meta` of its own. */
export function serverInfoMember(serverInfo: object): string {
  return `,"_meta":${JSON.stringify({ [META_SERVER_INFO]: serverInfo })}`;
}

function withServerInfo(result: object, own: unknown, envelope: ResultEnvelope): object {
  return { ...result, _meta: { ...(own as object), [META_SERVER_INFO]: envelope.serverInfo } };
}
