// What every cache keeps and how it is called, the same for all.

/** A value of the size of a small tool result. */
export const valueFor = (text) => ({ text, unit: "celsius", values: [1, 2, 3], found: true });

/** Long against a run, and the end of what a run leaves in Redis. */
export const ttlMs = 600_000;
export const maxEntries = 10_000;

let misses = 0;

/** `hit`: the same few thousand keys again and again; `miss`: a key that nobody asked for. */
export const isMiss = process.env.WORK === "miss";

/** The key for a message. */
export const keyOf = (message) => (isMiss ? `${message} ${misses++}` : message);

/** Where Redis is, for those that use it. */
export const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";

/** A key prefix of this process, which nothing else has. */
export const prefix = `{bench-${process.pid}-${Date.now()}}:`;
