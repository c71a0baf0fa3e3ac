// The least that a cache with copies can do: a Map of JSON.
import { keyOf, valueFor } from "../lib/cache-work.mjs";
import { serveOrders } from "../lib/client-worker.mjs";

const texts = new Map();

serveOrders(async (message) => {
  const key = keyOf(message);
  let text = texts.get(key);
  if (text === undefined) {
    text = JSON.stringify(valueFor(message));
    if (texts.size >= 10_000) texts.clear();
    texts.set(key, text);
  }
  return JSON.parse(text).text;
});
