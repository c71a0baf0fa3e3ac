import assert from "node:assert/strict";
import { withServer } from "../check/server-process.ts";
import { connect, explain, priceOf } from "./client.ts";

await withServer(new URL("server.js", import.meta.url), {}, async ({ url, terminate }) => {
  const client = connect(url);
  const failure = (promise: Promise<unknown>): Promise<string> =>
    promise.then(() => assert.fail("it should have failed"), explain);

  // The service is away for the first call, and back when the server said it would be.
  assert.deepEqual(await priceOf(client, 14), { price: 42 });

  assert.equal(
    await failure(priceOf(client, -1)),
    'the server: -1001 Invalid input: amount must not be negative {"field":"amount","value":-1}',
  );
  assert.equal(
    await failure(priceOf(client, 5_000)),
    "the server: -3000 Internal server error null",
  );
  const masked = await failure(client.call("get_rate"));
  assert.match(masked, /^the server: -32603 Internal error \{"correlationId":"[^"]+"\}$/);

  terminate();
  let last = "";
  // It drains first, and says so.
  while (!last.startsWith("the client")) last = await failure(client.call("get_rate"));
  assert.match(last, /^the client: connection_(failed|lost), retry (always|if-idempotent)$/);
  await client.close();
});
