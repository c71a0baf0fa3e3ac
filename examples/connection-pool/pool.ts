import { MCPConnectionPool } from "@backplane/client";

/** What the program did, for its check. */
export interface Report {
  readonly openedFirst: number;
  readonly openedLast: number;
  readonly processed: readonly unknown[];
}

export async function run(url: string, items: readonly number[]): Promise<Report> {
  const pool = new MCPConnectionPool({
    url,
    minConnections: 2,
    maxConnections: 10,
    connectionTimeoutMs: 30_000,
  });
  // Two connections are open and proved when this resolves; a server that is away makes it fail.
  await pool.connect();
  const openedFirst = pool.stats.open;

  // Ten calls run at once, the others wait for their turn.
  async function processBatch(batch: readonly number[]) {
    const tasks = batch.map((item) => pool.callTool("process_item", { item }));
    return await Promise.all(tasks);
  }

  const results = await processBatch(items);
  const openedLast = pool.stats.open;
  // Ends what runs, and refuses what comes.
  await pool.drain();
  return {
    openedFirst,
    openedLast,
    processed: results.map(({ structuredContent }) => structuredContent),
  };
}
