import type { Invocation, Principal, ServerChange } from "@backplane/protocol";
import { caching } from "../interceptor.ts";
import type { MCPCache } from "../mcp-cache.ts";

/** A result, and the one that this principal's own call would have made. */
export interface Asked {
  readonly result: unknown;
  readonly made: unknown;
}

const SERVER = "suite";
const TOOLS = ["a", "b"];
const PRINCIPALS: readonly (Principal | undefined)[] = [
  undefined,
  ...["ann", "bob"].flatMap((id) => [
    { id, scopes: [], roles: [] },
    { id, scopes: ["more"], roles: [] },
    { id, scopes: [], roles: [], claims: { tenant: "t" } },
  ]),
];

/** Random calls through the interceptor, so many at once, of principals who resemble one another. */
export function principalAsker(
  cache: MCPCache,
  random: () => number,
): (count: number) => Promise<readonly Asked[]> {
  const interceptor = caching(cache);
  let change: (event: ServerChange) => unknown = () => {};
  interceptor.attached?.({
    serverId: SERVER,
    serverInfo: { name: SERVER, version: "1" },
    onChange: (listener) => {
      change = listener;
    },
    onStop: () => {},
  });
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item;

  const askOnce = async (): Promise<Asked> => {
    const principal = pick(PRINCIPALS);
    const tool = pick(TOOLS);
    const made = { content: [], structuredContent: { tool, whose: PRINCIPALS.indexOf(principal) } };
    if (random() < 0.05) await change({ type: "list", list: "tools" });
    const result = await interceptor.intercept(callOf(tool, principal), async () => {
      await Promise.resolve();
      return made;
    });
    return { result, made };
  };
  return (count) => Promise.all(Array.from({ length: count }, askOnce));
}

function callOf(name: string, principal: Principal | undefined): Invocation {
  return {
    method: "tools/call",
    target: name,
    params: { name, arguments: {} },
    context: {
      serverId: SERVER,
      principal,
      asked: false,
      revision: "2026-07-28",
      signal: new AbortController().signal,
    } as unknown as Invocation["context"],
    cacheHint: { ttlMs: 60_000, cacheScope: "private" },
  };
}
