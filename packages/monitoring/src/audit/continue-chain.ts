import { isJsonObject } from "@backplane/protocol";
import { type Hasher, unseal } from "./chain.ts";

/** Where a chain stands. */
export interface ChainPosition {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

/** Where an earlier run left its chain; undefined when its last line does not verify. */
export function continueChain(lastLine: string, hash: Hasher): ChainPosition | undefined {
  const sealed = unseal(new TextEncoder().encode(lastLine));
  if (sealed === undefined || hash(sealed.body) !== sealed.hash) return undefined;
  return positionOf(lastLine, sealed.hash);
}

/** What a line says of its place; undefined for what is no line of a chain. */
function positionOf(text: string, hash: string): ChainPosition | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) return undefined;
    const { chain, seq } = value;
    if (typeof chain !== "string" || !Number.isSafeInteger(seq)) return undefined;
    return { chain, seq: seq as number, hash };
  } catch {
    return undefined;
  }
}
