import { isJsonObject } from "@backplane/protocol";
import { type Hasher, OPEN_START, unseal } from "./chain.ts";

/** Where a chain stands. */
export interface ChainPosition {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

/** Where an earlier run left its chain; undefined when its last lines do not verify. */
export function continueChain(tail: string, hash: Hasher): ChainPosition | undefined {
  const lines = tail.split("\n");
  const last = lines.pop() as string;
  const sealed = unseal(new TextEncoder().encode(last));
  if (sealed === undefined) return undefined;
  const shared = lines.slice(lines.findLastIndex((line) => !line.startsWith(OPEN_START)) + 1);
  const before = new TextEncoder().encode(shared.map((line) => `${line}\n`).join(""));
  if (hash(Buffer.concat([before, sealed.body])) !== sealed.hash) return undefined;
  return positionOf(last, sealed.hash);
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
