import type {
  CacheHint,
  Era,
  Implementation,
  Revision,
  ServerCapabilities,
} from "@backplane/protocol";

/** The server as it describes itself; self-reported, so never a basis for security. */
export interface ServerDescription {
  readonly info: Implementation | undefined;
  readonly capabilities: ServerCapabilities;
  readonly instructions: string | undefined;
  /** How long the description may be kept (modern). */
  readonly hint: CacheHint | undefined;
}

/** What negotiation settled on. */
export interface Agreement {
  readonly era: Era;
  readonly revision: Revision;
}
