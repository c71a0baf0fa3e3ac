/** What a query gives; the part of `pg`'s `QueryResult` that is used. */
export interface SqlResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** A connection that was taken from the pool; the part of `pg`'s `PoolClient` that is used. */
export interface SqlClient {
  query(query: {
    readonly text: string;
    readonly values?: unknown[];
    readonly query_timeout?: number;
  }): Promise<SqlResult>;
  on(event: "notification", listener: (message: { payload?: string | undefined }) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  release(destroy?: boolean | Error): void;
}

/** A pool of `pg`, or what looks like one. */
export interface SqlPool {
  connect(): Promise<SqlClient>;
}
