import type { Clock, Logger } from "@backplane/protocol";
import { asVerdict, type EraCache, type EraVerdict } from "../era-cache.ts";
import type { Carrier } from "../negotiation/types.ts";
import type { Agreement } from "../server-description.ts";

/** Where the era of a server is remembered. */
export interface EraMemory {
  readonly eraCache: EraCache;
  /** Undefined where nothing is remembered. */
  readonly eraKey: string | undefined;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
}

export async function verdictFor(memory: EraMemory): Promise<EraVerdict | undefined> {
  const { eraCache, eraKey } = memory;
  if (eraKey === undefined) return undefined;
  return asVerdict(await guarded(memory, () => eraCache.get(eraKey)));
}

export async function rememberVerdict(
  memory: EraMemory,
  agreement: Agreement,
  over: Carrier,
): Promise<void> {
  const { eraCache, eraKey, clock } = memory;
  if (eraKey === undefined || over === "in-memory") return;
  const verdict: EraVerdict = { ...agreement, transport: over, at: clock.now() };
  await guarded(memory, () => eraCache.set(eraKey, verdict));
}

export async function forgetVerdict(memory: EraMemory): Promise<void> {
  const { eraCache, eraKey } = memory;
  if (eraKey !== undefined) await guarded(memory, () => eraCache.delete(eraKey));
}

/** A cache that fails costs a probe, not the connection. */
async function guarded<Value>(
  { logger }: EraMemory,
  use: () => Value | Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await use();
  } catch (error) {
    logger.warn({ err: error }, "the era cache failed; the server is asked instead");
    return undefined;
  }
}
