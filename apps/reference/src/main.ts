import { banner } from "./banner.ts";
import { ConfigError, readConfig } from "./config.ts";
import { createLogger } from "./logger.ts";
import { createReferenceServer } from "./server.ts";
import { openServices } from "./services.ts";
import { describeStartupError } from "./startup-error.ts";

/** Serves until a stop signal comes, or over stdio until stdin ends. */
async function main(args: readonly string[]): Promise<void> {
  const unknown = args.filter((argument) => argument !== "--stdio");
  if (unknown.length > 0) {
    throw new ConfigError(`unknown argument ${unknown[0]}; the only one is --stdio`);
  }
  const config = readConfig(process.env);
  const services = await openServices(config);
  const logger = createLogger(config.logLevel, (line) => process.stderr.write(line));
  const server = await createReferenceServer(services, {
    allowedHosts: config.allowedHosts,
    logger,
  });
  try {
    if (args.includes("--stdio")) {
      const { stopped } = await server.start({ transport: "stdio", signals: true });
      await stopped;
      return;
    }
    const { host, port, drainDelayMs } = config;
    const { url, stopped } = await server.start({ host, port, drainDelayMs, signals: true });
    process.stdout.write(`${banner(url as string, services, config.allowedHosts)}\n`);
    await stopped;
  } finally {
    await services.close();
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeStartupError(error)}\n`);
  process.exitCode = 1;
});
