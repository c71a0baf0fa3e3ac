import pg from "pg";

const url = process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres";

/** Whether PostgreSQL answers. Without it these tests are left out, loudly; in CI that is a failure. */
export const hasDatabase: boolean = await answers();

async function answers(): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch (error) {
    if (process.env["CI"]) throw error;
    process.stderr.write(
      "PostgreSQL does not answer: its tests are SKIPPED (scripts/services.sh)\n",
    );
    return false;
  }
}

/** A database of its own, with the pools that tests open on it. */
export interface TestDatabase {
  readonly pool: pg.Pool;
  open(options?: pg.PoolConfig): pg.Pool;
  drop(): Promise<void>;
}

export async function makeDatabase(): Promise<TestDatabase> {
  const name = `resources_${crypto.randomUUID().replaceAll("-", "")}`;
  const admin = new pg.Client(url);
  await admin.connect();
  await admin.query(`create database ${name}`);
  const pools: pg.Pool[] = [];
  const open = (options: pg.PoolConfig = {}): pg.Pool => {
    const own = new URL(url);
    own.pathname = `/${name}`;
    const pool = new pg.Pool({ connectionString: own.href, ...options });
    // An idle connection that is cut off on purpose is no news.
    pool.on("error", () => {});
    pools.push(pool);
    return pool;
  };
  return {
    pool: open(),
    open,
    drop: async () => {
      await Promise.all(pools.map((pool) => pool.end()));
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
