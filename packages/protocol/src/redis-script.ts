/** What is used of a Redis client to run scripts: `ioredis` has it as it is, a `Cluster` of it too. */
export interface RedisScriptClient {
  eval(script: string, numberOfKeys: number, ...values: (string | number)[]): Promise<unknown>;
  evalsha(digest: string, numberOfKeys: number, ...values: (string | number)[]): Promise<unknown>;
}

/** Runs one script: `keys` are what it touches, `values` its `ARGV`. Rejects with the client's error. */
export type RedisScript = (
  keys: readonly string[],
  values: readonly (string | number)[],
) => Promise<unknown>;

/**
 * A script of a store that several replicas share: what it does is one step for all of them. It is sent by
 * digest, and with its text only to a server that does not know it, as after a restart.
 */
export function createRedisScript(client: RedisScriptClient, script: string): RedisScript {
  let digest: Promise<string> | undefined;
  return async (keys, values) => {
    digest ??= sha1(script);
    try {
      return await client.evalsha(await digest, keys.length, ...keys, ...values);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return client.eval(script, keys.length, ...keys, ...values);
    }
  };
}

/**
 * Checks the prefix of a store's keys.
 * @throws {TypeError} when it has no part in braces: a cluster would spread the keys of one script over nodes.
 */
export function checkRedisPrefix(owner: string, prefix: unknown): asserts prefix is string {
  if (typeof prefix === "string" && /\{[^{}]+\}/.test(prefix)) return;
  throw new TypeError(
    `${owner}: option "prefix" must hold a part in braces, such as "{my-app}:", so that a cluster keeps the keys of a call together`,
  );
}

async function sha1(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
