/**
 * Resolves when the work has settled, or after `limitMs`. Keeps this process alive meanwhile: who closes a client
 * and has nothing else to do must not leave a server behind.
 */
export async function settledWithin(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
