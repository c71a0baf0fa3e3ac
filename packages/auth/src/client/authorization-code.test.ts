import { describe, expect, it } from "vitest";
import { willingUser } from "../test-suite/oauth-server.ts";
import type { OAuthClientError } from "./errors.ts";
import { failure, userClient } from "./harness/client.test-support.ts";
import {
  REDIRECT_URL,
  recordingLogger,
  send,
  startWorld,
  tokenOf,
  unauthorized,
  type World,
} from "./harness/world.test-support.ts";
import { createMemoryTokenStore } from "./memory-token-store.ts";
import { oauth } from "./oauth.ts";
import type { UserInteraction } from "./user-interaction.ts";

/** A user whose browser comes back with something else than was sent. */
function meddler(change: (parameters: URLSearchParams) => void): UserInteraction {
  const user = willingUser();
  return {
    async authorize(url, options) {
      const parameters = new URLSearchParams(
        (await user.authorize(url, options)) as URLSearchParams,
      );
      change(parameters);
      return parameters;
    },
  };
}

describe("the authorization request", () => {
  it("[A26-09, A26-10, A26-16b] carries PKCE, state and resource, and the token request the rest", async () => {
    const world = await startWorld();
    const user = willingUser();
    expect(await send(userClient({ interaction: user }), world.mcpUrl)).toBe(200);
    const [url] = user.visited;
    expect(Object.fromEntries((url as URL).searchParams)).toMatchObject({
      response_type: "code",
      code_challenge_method: "S256",
      redirect_uri: REDIRECT_URL,
      resource: world.mcpUrl,
      state: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    });
    const [token] = world.as.received.filter(({ path }) => path === "/token");
    expect(Object.fromEntries((token as { form: URLSearchParams }).form)).toMatchObject({
      grant_type: "authorization_code",
      resource: world.mcpUrl,
      redirect_uri: REDIRECT_URL,
    });
  });

  it("[A26-10] has the resource as it was published, byte for byte", async () => {
    const world = await startWorld();
    world.resourceMetadata["resource"] = world.mcp.origin;
    expect(await send(userClient(), world.mcpUrl)).toBe(200);
    expect([...world.as.issued.values()].map(({ resource }) => resource)).toEqual([
      world.mcp.origin,
    ]);
  });

  it("[A26-16b] has another state and another challenge each time", async () => {
    const world = await startWorld();
    const user = willingUser();
    await send(userClient({ interaction: user }), world.mcpUrl);
    await send(userClient({ interaction: user }), world.mcpUrl);
    for (const name of ["state", "code_challenge"]) {
      expect(new Set(user.visited.map(({ searchParams }) => searchParams.get(name))).size).toBe(2);
    }
  });

  it("is not sent to a place where no browser should go", async () => {
    const world = await startWorld();
    for (const endpoint of [
      "http://192.168.0.1/authorize",
      "https://metadata.internal/authorize",
    ]) {
      world.as.metadata["authorization_endpoint"] = endpoint;
      expect((await failure(send(userClient(), world.mcpUrl))).code).toBe("unsafe_url");
    }
    world.as.metadata["authorization_endpoint"] = "javascript:alert(1)";
    expect((await failure(send(userClient(), world.mcpUrl))).code).toBe("invalid_response");
  });
});

describe("the redirect", () => {
  it.each([
    ["another state", (p: URLSearchParams) => p.set("state", "x"), "state_mismatch"],
    ["no state", (p: URLSearchParams) => p.delete("state"), "state_mismatch"],
    ["two states", (p: URLSearchParams) => p.append("state", "x"), "invalid_response"],
    ["two codes", (p: URLSearchParams) => p.append("code", "x"), "invalid_response"],
    ["no code", (p: URLSearchParams) => p.delete("code"), "invalid_response"],
  ])("[A26-16b] with %s is refused", async (_name, change, code) => {
    const world = await startWorld();
    const error = await failure(send(userClient({ interaction: meddler(change) }), world.mcpUrl));
    expect(error.code).toBe(code);
    expect(world.as.count("/token")).toBe(0);
  });

  const table: [advertised: boolean | undefined, iss: string | undefined, accepted: boolean][] = [
    [true, "ISSUER", true],
    [true, undefined, false],
    [true, "https://evil.example", false],
    [true, "ISSUER/", false],
    [undefined, undefined, true],
    [undefined, "ISSUER", true],
    [undefined, "https://evil.example", false],
    [undefined, "ISSUER/", false],
    [false, "https://evil.example", false],
  ];
  it.each(table)(
    "[A26-08] of a server that advertises iss: %s, with iss %s: accepted %s",
    async (advertised, iss, accepted) => {
      const world = await startWorld();
      world.as.metadata["authorization_response_iss_parameter_supported"] = advertised;
      world.as.redirect["iss"] = iss?.replace("ISSUER", world.as.origin);
      const sent = send(userClient(), world.mcpUrl);
      if (accepted) expect(await sent).toBe(200);
      else expect((await failure(sent)).code).toBe("iss_mismatch");
      expect(world.as.count("/token")).toBe(accepted ? 1 : 0);
    },
  );

  it("[A26-08] from elsewhere says nothing of the error that it carries", async () => {
    const world = await startWorld();
    Object.assign(world.as.redirect, {
      iss: "https://evil.example",
      error: "call_0800_now",
      error_description: "call 0800",
    });
    const error = await failure(send(userClient(), world.mcpUrl));
    expect(error.code).toBe("iss_mismatch");
    expect(JSON.stringify([error.message, error.oauthError])).not.toContain("0800");
  });

  it("with an error says which, and not what the server has to say about it", async () => {
    const world = await startWorld();
    Object.assign(world.as.redirect, {
      code: undefined,
      error: "access_denied",
      error_description: "<b>secret</b>",
    });
    const error = await failure(send(userClient(), world.mcpUrl));
    expect([error.code, error.oauthError]).toEqual(["authorization_denied", "access_denied"]);
    expect(error.message).not.toContain("secret");
  });
});

describe("the user", () => {
  it("is needed: without an interaction the error says so", async () => {
    const world = await startWorld();
    const auth = oauth({ registration: { clientName: "Test" } });
    expect((await failure(send(auth, world.mcpUrl))).code).toBe("interaction_required");
  });

  it("who never comes back is not waited for forever", async () => {
    const world = await startWorld();
    let stopped = false;
    const interaction: UserInteraction = {
      authorize: (_url, { signal }) =>
        new Promise(() => {
          signal.addEventListener("abort", () => {
            stopped = true;
          });
        }),
    };
    const auth = userClient({ interaction, interactionTimeoutMs: 20 });
    const error = await failure(send(auth, world.mcpUrl));
    expect([error.code, stopped]).toEqual(["interaction_failed", true]);
  });

  it("whose interaction throws at once is waited for no longer, and nothing is rejected later", async () => {
    const world = await startWorld();
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    try {
      const interaction: UserInteraction = {
        authorize: () => {
          throw new Error("no browser");
        },
      };
      const auth = userClient({ interaction, interactionTimeoutMs: 5 });
      expect((await failure(send(auth, world.mcpUrl))).code).toBe("interaction_failed");
      await new Promise((resolve) => AbortSignal.timeout(20).addEventListener("abort", resolve));
    } finally {
      process.off("unhandledRejection", note);
    }
    expect(unhandled).toEqual([]);
  });

  it("is asked once for requests side by side", async () => {
    const world = await startWorld();
    const user = willingUser();
    const auth = userClient({ interaction: user });
    const statuses = await Promise.all(Array.from({ length: 50 }, () => send(auth, world.mcpUrl)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect([user.visited.length, world.as.count("/token"), world.as.count("/register")]).toEqual([
      1, 1, 1,
    ]);
  });

  it("[A26-14] is not asked a fourth time in a minute by a server that refuses everything", async () => {
    const world = await startWorld();
    const user = willingUser();
    const logger = recordingLogger();
    world.refuse = () => unauthorized(world);
    const auth = userClient({ interaction: user, logger });
    const codes: string[] = [];
    for (let request = 0; request < 4; request++) {
      await send(auth, world.mcpUrl).catch((error: OAuthClientError) => codes.push(error.code));
    }
    expect(user.visited.length).toBe(3);
    expect(codes).toContain("too_many_attempts");
    expect(logger.text()).toContain('"stage":"resource"');
    for (const token of world.as.issued.keys()) expect(logger.text()).not.toContain(token);
  });
});

describe("the token", () => {
  it("[A26-11] goes with every request in the header, and never in the URL", async () => {
    const world = await startWorld();
    const auth = userClient();
    for (let request = 0; request < 3; request++) await send(auth, world.mcpUrl);
    const calls = world.mcp.received.filter(({ path }) => path === "/mcp");
    expect(calls.map(({ headers }) => headers["authorization"])).toEqual([
      undefined,
      ...Array(3).fill(`Bearer ${[...world.as.issued.keys()][0]}`),
    ]);
    expect(calls.every(({ query }) => query.size === 0)).toBe(true);
  });

  it("[A26-12] goes to its own resource only", async () => {
    const [world, other] = [await startWorld(), await startWorld()];
    const auth = userClient();
    await send(auth, world.mcpUrl);
    const urls = [
      other.mcpUrl,
      `${world.mcp.origin}/other`,
      `${world.mcp.origin}/mcp2`,
      world.mcp.origin.replace("127.0.0.1", "localhost"),
      world.mcpUrl.replace("http:", "https:"),
    ];
    for (const url of urls) expect(await auth.headers({ method: "POST", url })).toEqual({});
    expect(await auth.headers({ method: "GET", url: `${world.mcpUrl}/sse?x=1` })).toHaveProperty(
      "authorization",
    );
  });

  it("[A26-12] of one server is never used at another that shares the client", async () => {
    const [world, other] = [await startWorld(), await startWorld()];
    const auth = userClient({ store: createMemoryTokenStore() });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(await send(auth, other.mcpUrl)).toBe(200);
    const foreign = [...world.as.issued.keys()];
    expect(tokensAt(other).filter((token) => foreign.includes(token))).toEqual([]);
    expect(tokensAt(other)).toEqual([...other.as.issued.keys()]);
    expect(world.as.count("/register") + other.as.count("/register")).toBe(2);
  });

  it.each([
    ["of another type", { token_type: "mac" }],
    ["that no header can carry", { access_token: "a\r\nx-evil: 1" }],
    ["that is missing", { access_token: undefined }],
  ])("%s is refused", async (_name, response) => {
    const world = await startWorld();
    Object.assign(world.as.tokenResponse, response);
    expect((await failure(send(userClient(), world.mcpUrl))).code).toBe("invalid_response");
  });

  it("that is refused by the authorization server is an error without what was sent", async () => {
    const world = await startWorld();
    world.as.route("/token", ({ text }) => ({
      status: 400,
      body: { error: "invalid_grant", error_description: `you sent ${text}` },
    }));
    const logger = recordingLogger();
    const error = await failure(send(userClient({ logger }), world.mcpUrl));
    expect([error.code, error.oauthError, error.stage]).toEqual([
      "token_refused",
      "invalid_grant",
      "token",
    ]);
    expect(`${error.message} ${String(error.cause)} ${logger.text()}`).not.toMatch(
      /code-|verifier/,
    );
  });
});

function tokensAt(world: World): string[] {
  return world.mcp.received.map(tokenOf).filter((token) => token !== "");
}
