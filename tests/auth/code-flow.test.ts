import { oauth } from "@backplane/auth/client";
import { createLoopbackInteraction } from "@backplane/auth/node";
import { MCPClient } from "@backplane/client";
import type { Revision } from "@backplane/protocol";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { browse } from "../../packages/auth/src/client/harness/oidc-provider.test-support.ts";
import { startAuthorizationServer } from "./harness/authorization-server.ts";
import { recording } from "./harness/guarded-server.ts";
import { startResourceServer } from "./harness/resource-server.ts";
import { SDK_CLIENTS, type SignedIn } from "./harness/sdk-sign-in.ts";

const as = await startAuthorizationServer();
const logger = recording();
const { server, url } = await startResourceServer(as.issuer, logger, { requiredScopes: ["read"] });
afterAll(() => server.stop());

async function ours(protocol: Revision, at = url, dpop = false): Promise<SignedIn> {
  let visits = 0;
  const interaction = createLoopbackInteraction({
    open: (link) => {
      visits++;
      return browse(link);
    },
  });
  const auth = oauth({ interaction, registration: { clientName: "Ours" }, dpop });
  const client = new MCPClient({ url: at, auth, protocol });
  await client.connect();
  return {
    call: async (tool) => String(await client.call(tool, {})),
    get visits() {
      return visits;
    },
    close: () => client.close(),
  };
}

const CLIENTS: readonly (readonly [string, (url: string) => Promise<SignedIn>])[] = [
  ["our client, modern", () => ours("2026-07-28")],
  ["our client, legacy", () => ours("2025-11-25")],
  ...SDK_CLIENTS,
];

describe.each(CLIENTS)("the code flow, with %s", (_name, open) => {
  it("[R26-01, R26-02, R26-03, R26-06, S25-23, C25-23] leads from the refusal to the tools, with PKCE and the resource", async () => {
    const before = as.seen.length;
    const client = await open(url);
    const principal = JSON.parse(await client.call("whoami")) as Record<string, unknown>;
    expect(principal).toMatchObject({ id: "alice", issuer: as.issuer, scopes: ["read"] });
    expect(client.visits).toBe(1);
    const flow = as.seen.slice(before);
    expect(flow).toMatchObject([
      { step: "authorize", resource: url, challengeMethod: "S256" },
      { step: "authorization_code", resource: url },
    ]);
    // Beside what clients want for themselves, such as `offline_access`.
    expect(String(flow[0]?.scope).split(" ")).toContain("read");
    expect(String(flow[0]?.scope).split(" ")).not.toContain("write");
    // The 403 names every scope that is missing, and the user is asked once more.
    expect(await client.call("both")).toBe("both");
    expect(client.visits).toBe(2);
    expect(as.seen.at(-2)).toMatchObject({ step: "authorize", resource: url });
    expect(String(as.seen.at(-2)?.scope).split(" ")).toEqual(
      expect.arrayContaining(["write", "read"]),
    );
    expect(as.seen.at(-1)).toMatchObject({ step: "authorization_code", resource: url });
    expect(await client.call("read")).toBe("read");
    expect(client.visits).toBe(2);
    await client.close();
  });
});

it.each(["2026-07-28", "2025-11-25"] as const)(
  "[R26-03, R26-05] binds tokens to a key, with nonces of both servers, at %s",
  async (revision) => {
    const log = recording();
    const bound = await startResourceServer(as.issuer, log, {
      dpop: { required: true, nonce: true },
    });
    onTestFinished(() => bound.server.stop());
    const client = await ours(revision, bound.url, true);
    expect(JSON.parse(await client.call("whoami"))).toMatchObject({ id: "alice" });
    const refused = log.lines.filter((line) => line.includes('"stage":"nonce"'));
    expect(refused.length).toBeGreaterThan(0);
    expect(await client.call("both")).toBe("both");
    await client.close();
  },
);
