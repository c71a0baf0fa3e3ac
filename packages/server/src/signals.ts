const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Calls back on the first stop signal. @returns the removal of the handlers. Nothing outside Node. */
export function onStopSignals(listener: () => void): () => void {
  const { process } = globalThis;
  if (typeof process?.on !== "function") return () => {};
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
