import pg from "pg";

const url = process.env["DATABASE_URL"] ?? "";

/** A database of its own, with the pools that tests open on it, which carry the tag `postgres`. */
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
