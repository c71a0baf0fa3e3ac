// Ends with 0 when /health of this container answers 200. No curl, no wget, no shell needed.
const port = process.env.PORT ?? "8080";
try {
  const { status } = await fetch(`http://127.0.0.1:${port}/health`, {
    signal: AbortSignal.timeout(5_000),
  });
  process.exitCode = status === 200 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
