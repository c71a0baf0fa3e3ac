/** `setTimeout` fires at once for a longer delay than this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Resolves when the work has settled, or after `limitMs`. Keeps a Node process alive meanwhile: with stdin at
 * its end nothing else would, and a stdio server ended under the calls that it is to answer.
 */
export async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(limitMs, MAX_TIMER_MS));
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
