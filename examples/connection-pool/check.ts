import assert from "node:assert/strict";
import { withServer } from "../check/server-process.ts";
import { run } from "./pool.ts";

const items = Array.from({ length: 200 }, (_, item) => item);

await withServer(new URL("server.js", import.meta.url), {}, async ({ url }) => {
  const { openedFirst, openedLast, processed } = await run(url, items);
  assert.equal(openedFirst, 2);
  assert.equal(openedLast, 10);
  const results = processed as { readonly item: number; readonly running: number }[];
  assert.deepEqual(
    results.map(({ item }) => item),
    items,
  );
  // Together, but never more than there are connections.
  assert.equal(Math.max(...results.map(({ running }) => running)), 10);
});
