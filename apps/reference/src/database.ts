import type { Logger } from "@backplane/protocol";
import { SqlResourceProvider } from "@backplane/resources/postgres";
import type { Pool } from "pg";
import { BOOKINGS_SCHEMA, BOOKINGS_TABLE } from "./calendar/database-bookings.ts";
import { ConfigError } from "./environment.ts";

/** PostgreSQL with the bookings in it. */
export interface Database {
  readonly pool: Pool;
  /** The bookings as resources: who subscribes to one hears of its changes by `NOTIFY`, whichever replica wrote. */
  readonly resources: SqlResourceProvider;
  close(): Promise<void>;
}

/** Keeps replicas that start together from making the same table. Any number, the same in all. */
const SCHEMA_LOCK = 7_316_428;
const CONNECT_TIMEOUT_MS = 5_000;
const QUERY_TIMEOUT_MS = 5_000;

/** Connects, and makes what is not there yet. @throws {ConfigError} when the database cannot be used. */
export async function openDatabase(url: string, logger: Logger): Promise<Database> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  });
  // A connection that breaks while nobody uses it is replaced; without a listener it would end the process.
  pool.on("error", (error) => logger.warn({ err: error }, "a connection to the database broke"));
  const resources = new SqlResourceProvider({
    pool,
    name: "bookings",
    uriPrefix: "bookings:///",
    tables: {
      booking: {
        table: BOOKINGS_TABLE,
        key: "uid",
        columns: ["uid", "title", "starts_at", "ends_at", "time_zone"],
        title: "A booking",
      },
    },
    queries: {
      day: {
        text: `select uid, title, starts_at, ends_at, time_zone from ${BOOKINGS_TABLE}
          where starts_at < ($1::date + 1)::timestamp at time zone 'UTC'
            and ends_at > $1::date::timestamp at time zone 'UTC'
          order by starts_at`,
        parameters: ["date"],
        dependsOn: ["booking"],
        title: "Bookings of a day, in UTC",
      },
    },
    channel: BOOKINGS_TABLE,
  });
  try {
    // One statement for the server: what fails leaves nothing behind, and the lock ends with it.
    await pool.query(
      `select pg_advisory_xact_lock(${SCHEMA_LOCK}); ${BOOKINGS_SCHEMA} ${resources.triggerSql("booking")}`,
    );
  } catch (cause) {
    await pool.end();
    throw new ConfigError(
      `the database cannot be used (${(cause as Error).message || (cause as { code?: string }).code}): look at DATABASE_URL`,
      { cause },
    );
  }
  return { pool, resources, close: () => pool.end() };
}
