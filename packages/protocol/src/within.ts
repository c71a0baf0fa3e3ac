/** `setTimeout` fires at once for a longer delay than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Waits for work, at most `limitMs`. Keeps a Node process alive meanwhile, which may have nothing else
 * left to do: a stdio server at the end of its stdin, or a client that is ending the process of its server.
 * @returns whether the work was done in time.
 * @throws what the work throws in time.
 */
export async function within(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(limitMs, MAX_TIMER_MS));
  });
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
