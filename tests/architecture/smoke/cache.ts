import { MCPCache } from "@backplane/cache";

const cache = new MCPCache({ defaultTtlMs: 60_000 });
let runs = 0;
const load = async () => ++runs;
await Promise.all([cache.getOrSet("a", load), cache.getOrSet("a", load)]);
await cache.close();
if (runs !== 1) throw new Error("loaded more than once");
