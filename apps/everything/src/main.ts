import { parseArgs } from "node:util";
import { createEverythingServer } from "./server.ts";
import { sharedParts } from "./shared-parts.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: process.env.PORT ?? "8080" },
    host: { type: "string", default: process.env.HOST ?? "127.0.0.1" },
    stdio: { type: "boolean", default: false },
    "drain-timeout-ms": { type: "string", default: "10000" },
  },
});
const allowedHosts = process.env.ALLOWED_HOSTS?.split(",").map((host) => host.trim());
const shared = await sharedParts(process.env);
const server = createEverythingServer({
  ...(allowedHosts !== undefined && { allowedHosts }),
  ...shared.options,
});
server.onStop("what replicas share", shared.close);
const drainTimeoutMs = Number(values["drain-timeout-ms"]);

if (values.stdio) {
  await server.start({ transport: "stdio", signals: true, drainTimeoutMs });
} else {
  try {
    const { url } = await server.start({
      port: Number(values.port),
      host: values.host,
      signals: true,
      drainTimeoutMs,
    });
    process.stdout.write(`everything server listening at ${url}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
