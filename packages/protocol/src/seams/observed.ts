/** What a server holds at this moment, and how much it may. */
export interface ServerLoad {
  /** Requests whose handler has not settled; streams are counted apart. */
  readonly inFlight: number;
  readonly maxInFlight: number;
  /** Open listen and GET streams. */
  readonly streams: number;
  readonly maxStreams: number;
}

/** A server as monitoring sees it: its events carry the id, its load is asked for. */
export interface ObservedServer {
  readonly serverId: string;
  readonly load: ServerLoad;
}

/** What a client holds at this moment. */
export interface ClientLoad {
  readonly running: number;
  /** Requests that wait for a place in the bulkhead. */
  readonly queued: number;
}

/** A client or pool as monitoring sees it. */
export interface ObservedClient {
  readonly clientId: string;
  readonly load: ClientLoad;
}
