import { ErrorCode, MCPError, resourceTooLarge } from "@backplane/protocol";
import { sourceAway } from "../internal/source-away.ts";
import {
  type QuerySettings,
  quoteIdentifier,
  type SqlSettings,
  type TableSettings,
} from "./sql-options.ts";
import type { SqlClient } from "./sql-pool.ts";
import type { SqlTarget } from "./sql-uris.ts";

/** A statement that was cut off by the server ends here as well, should the server not answer any more. */
const GRACE_MS = 1_000;

/** Keys of a table behind one, in its order. */
export interface KeyRequest {
  /** The first columns of the key, as they must be. */
  readonly equal: readonly string[];
  /** How the next column begins. */
  readonly prefix: string;
  readonly after: readonly string[] | undefined;
  readonly limit: number;
}

/** Reads rows and results, in read-only transactions with a timeout; values travel as parameters only. */
export class SqlReader {
  readonly #settings: SqlSettings;

  constructor(settings: SqlSettings) {
    this.#settings = settings;
  }

  /**
   * The JSON of a row or a result. Undefined when there is no such row.
   * @throws {MCPError} −1413 for too many rows or bytes, −1503 when the database is away or too slow.
   */
  async read({ source, values }: SqlTarget, uri: string): Promise<string | undefined> {
    const { maxBytes, maxRows } = this.#settings;
    const rows =
      source.kind === "table"
        ? await this.#row(source, values)
        : await this.#result(source, values);
    const [row] = rows ?? [];
    if (row === undefined) return undefined;
    if (Number(row.count) > maxRows) {
      throw new MCPError(ErrorCode.resourceTooLarge, `The result has more than ${maxRows} rows`, {
        data: { uri, maxRows },
      });
    }
    if (row.body === null) throw resourceTooLarge(uri, maxBytes);
    return row.body as string;
  }

  /** Keys as text. @throws {RangeError} for values that are none of the columns' types. */
  async keys(table: TableSettings, request: KeyRequest): Promise<readonly (readonly string[])[]> {
    const { equal, prefix, after, limit } = request;
    const columns = table.key.map(quoteIdentifier);
    const values: unknown[] = [];
    const next = (value: unknown): string => `$${values.push(value)}`;
    const conditions = equal.map((value, index) => `${columns[index]}::text = ${next(value)}`);
    if (prefix !== "") {
      const column = columns[equal.length] as string;
      conditions.push(`left(${column}::text, ${[...prefix].length}) = ${next(prefix)}`);
    }
    if (after !== undefined) {
      conditions.push(`(${columns.join(", ")}) > (${after.map(next).join(", ")})`);
    }
    const text = `select ${columns.map((column, index) => `${column}::text as k${index}`).join(", ")}
      from ${table.relation}
      ${conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`}
      order by ${columns.join(", ")} limit ${next(limit)}`;
    const rows = await this.#query(text, values);
    if (rows === undefined) throw new RangeError("a value is none of its column's type");
    return rows.map((row) => columns.map((_, index) => row[`k${index}`] as string));
  }

  #row(
    { relation, key, columns }: TableSettings,
    values: readonly string[],
  ): Promise<readonly Readonly<Record<string, unknown>>[] | undefined> {
    // Once by the column's type, for its index, and once by its text: 042 is not another name of 42.
    const conditions = key.flatMap((name, index) => {
      const column = quoteIdentifier(name);
      return [`${column} = $${index + 1}`, `${column}::text = $${key.length + index + 1}`];
    });
    const bytes = `$${2 * key.length + 1}::int`;
    return this.#query(
      `select 1 as count, case when octet_length(j) <= ${bytes} then j end as body
       from (select row_to_json(r)::text as j from
         (select ${columns} from ${relation} where ${conditions.join(" and ")} limit 1) r) q`,
      [...values, ...values, this.#settings.maxBytes],
    );
  }

  #result(
    { text, parameters }: QuerySettings,
    values: readonly string[],
  ): Promise<readonly Readonly<Record<string, unknown>>[] | undefined> {
    const [rows, bytes] = [parameters.length + 1, parameters.length + 2];
    // A line of its own: the query may end with a comment.
    return this.#query(
      `select count, case when octet_length(j) <= $${bytes}::int then j end as body
       from (select count(*) as count, coalesce(json_agg(r), '[]')::text as j from
         (select * from (
${text}
) q limit $${rows}::int + 1) r) q`,
      [...values, this.#settings.maxRows, this.#settings.maxBytes],
    );
  }

  /** Undefined when a value is none of its type: there is nothing of that name. */
  async #query(
    text: string,
    values: unknown[],
  ): Promise<readonly Readonly<Record<string, unknown>>[] | undefined> {
    const { statementTimeoutMs } = this.#settings;
    const client = await this.#connect();
    const limit = { query_timeout: statementTimeoutMs + GRACE_MS };
    let broken = true;
    try {
      await client.query({
        text: `begin transaction read only; set local statement_timeout = ${statementTimeoutMs}`,
        ...limit,
      });
      try {
        const { rows } = await client.query({ text, values, ...limit });
        return rows;
      } finally {
        await client.query({ text: "rollback", ...limit });
        broken = false;
      }
    } catch (error) {
      const code = (error as { code?: unknown }).code;
      // Class 22: data exceptions, such as a word where a number is meant.
      if (typeof code === "string" && /^22...$/.test(code)) return undefined;
      throw isOutage(error) ? sourceAway(error) : error;
    } finally {
      client.release(broken);
    }
  }

  /** A pool without a free connection lets everybody wait for ever, unless it was told otherwise. */
  async #connect(): Promise<SqlClient> {
    const { pool, statementTimeoutMs } = this.#settings;
    const connecting = pool.connect();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), statementTimeoutMs);
    });
    try {
      const client = await Promise.race([connecting, late]);
      if (client !== undefined) return client;
      connecting.then(
        (unwanted) => unwanted.release(),
        () => {},
      );
      throw sourceAway(new Error("SqlResourceProvider: the pool had no connection in time"));
    } catch (error) {
      throw MCPError.isInstance(error) ? error : sourceAway(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Cut off by the timeout, or the connection broke (classes 08, 53, 57; no code: the driver gave up). */
function isOutage(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code !== "string") return error instanceof Error;
  return /^(?:08|53|57)...$/.test(code) || /^E[A-Z]+$/.test(code);
}
