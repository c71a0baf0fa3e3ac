import { type Application, createApplication } from "./application.ts";
import { banner } from "./banner.ts";
import { type Config, readConfig } from "./config.ts";
import { ConfigError, read } from "./environment.ts";
import { describeStartupError } from "./startup-error.ts";

/** Serves until a stop signal comes, or over stdio until stdin ends. */
async function main(args: readonly string[]): Promise<void> {
  const unknown = args.filter((argument) => argument !== "--stdio");
  if (unknown.length > 0) {
    throw new ConfigError(`unknown argument ${unknown[0]}; the only one is --stdio`);
  }
  const config = readConfig(process.env);
  const application = await createApplication(config);
  try {
    await (args.includes("--stdio") ? serveStdio(application) : serveHttp(application, config));
  } finally {
    await application.close();
  }
}

async function serveHttp(application: Application, config: Config): Promise<void> {
  const { host, port, drainDelayMs } = config;
  const { url, stopped } = await application.server.start({
    host,
    port,
    drainDelayMs,
    signals: true,
  });
  process.stdout.write(`${banner(url as string, application, config)}\n`);
  await stopped;
}

/** Whoever starts the process says who is calling; without configured keys, the key of the run is as good. */
async function serveStdio({ server, developmentKey }: Application): Promise<void> {
  const credential = read(process.env, "MCP_CREDENTIAL") ?? developmentKey;
  if (credential === undefined) {
    throw new ConfigError(
      "over stdio, set MCP_CREDENTIAL to one of the keys of API_KEYS, or to a token: it says who is calling",
    );
  }
  const headers = { authorization: `Bearer ${credential}` };
  const { stopped } = await server.start({ transport: "stdio", signals: true, headers });
  await stopped;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${describeStartupError(error)}\n`);
  process.exitCode = 1;
});
