import { MCPClient, MCPClientError } from "@backplane/client";
import type { Assignment } from "./assignment.ts";
import { createHost } from "./host.ts";
import { needsAuth, scenarioOf } from "./scenarios.ts";

/** Plays one scenario. @throws what went wrong, or an Error when the client accepted what it must refuse. */
export async function play({ url, scenario: name, revision, context }: Assignment): Promise<void> {
  const scenario = scenarioOf(name);
  const client: MCPClient = new MCPClient({
    url,
    info: { name: "backplane-everything-client", version: "0.1.0" },
    protocol: revision,
    handlers: createHost(scenario.form ?? {}, async () => scenario.whileAsked?.(client)),
    // Loaded only where it is needed: it takes as long to load as the rest of the client.
    ...(needsAuth(name) && { auth: (await import("./auth.ts")).authFor(name, context) }),
  });
  try {
    if (scenario.refuses === undefined) await scenario.run(client, context);
    else await expectRefusal(scenario.run(client, context));
  } finally {
    await client.close();
  }
}

async function expectRefusal(run: Promise<void>): Promise<void> {
  try {
    await run;
  } catch (error) {
    if (MCPClientError.isInstance(error) && error.code === "unauthorized") return;
    throw error;
  }
  throw new Error("the client went on where it must refuse");
}
