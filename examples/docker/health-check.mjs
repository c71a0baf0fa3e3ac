// Ends with 0 when /health of this container answers 200.
const url = `http://127.0.0.1:${process.env.PORT ?? "8080"}/health`;
try {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  process.exitCode = status === 200 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
