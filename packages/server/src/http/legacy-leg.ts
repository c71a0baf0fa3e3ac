import type { ChangeFeed } from "../change-feed.ts";
import type { Dispatcher } from "../dispatch.ts";
import type { ResolvedOptions } from "../options.ts";
import type { Registry } from "../registry.ts";
import type { ResourceWatches } from "../resource-watches.ts";
import type { StreamSlots } from "../stream-slots.ts";
import type { LegacyLeg } from "./endpoint.ts";
import { SessionLeg } from "./session-leg.ts";
import { StatelessLeg } from "./stateless-leg.ts";

/** What the legacy leg needs of its server. */
export interface LegacyLegDependencies {
  readonly options: ResolvedOptions;
  readonly dispatcher: Dispatcher;
  readonly registry: Registry;
  readonly changes: ChangeFeed;
  readonly watches: ResourceWatches;
  readonly serverId: string;
  /** Shared with the listen streams of the modern era: one bound for both. */
  readonly slots: StreamSlots;
}

/** A leg, and how it ends: `drain` sends clients elsewhere while work goes on, `close` ends everything. */
export interface ClosableLegacyLeg extends LegacyLeg {
  drain(): void;
  close(): Promise<void>;
}

/** The legacy revisions over HTTP, as the option `legacy` says. */
export function createLegacyLeg(dependencies: LegacyLegDependencies): ClosableLegacyLeg {
  return dependencies.options.legacy === "stateless"
    ? new StatelessLeg(dependencies)
    : new SessionLeg(dependencies);
}
