import { onTestFinished } from "vitest";
import { type ScriptedOAuthServer, startOAuthServer } from "../../test-suite/oauth-server.ts";

/** Ends with the test. */
export async function startAuthorizationServer(): Promise<ScriptedOAuthServer> {
  const server = await startOAuthServer();
  onTestFinished(() => server.close());
  return server;
}
