import { describe, expect, it } from "vitest";
import { willingUser } from "../test-suite/oauth-server.ts";
import { failure, userClient } from "./harness/client.test-support.ts";
import {
  insufficientScope,
  send,
  startWorld,
  tokenOf,
  unauthorized,
  type World,
} from "./harness/world.test-support.ts";

/** A server whose `/mcp` wants a scope, and says it in the refusals. */
async function startScoped(initial: string, needed: { scope: string }): Promise<World> {
  const world = await startWorld();
  world.refuse = (request) => {
    const issued = world.as.issued.get(tokenOf(request));
    if (issued === undefined) return unauthorized(world, `, scope="${initial}"`);
    const has = issued.scope.split(" ");
    const missing = needed.scope.split(" ").some((scope) => !has.includes(scope));
    return missing ? insufficientScope(needed.scope) : undefined;
  };
  return world;
}

describe("the first scopes", () => {
  it("[A26-13] are those of the challenge, whatever the metadata lists", async () => {
    const world = await startScoped("mcp:basic", { scope: "mcp:basic" });
    world.resourceMetadata["scopes_supported"] = ["mcp:other", "mcp:admin"];
    expect(await send(userClient(), world.mcpUrl)).toBe(200);
    expect(world.as.asked).toEqual(["mcp:basic"]);
  });

  it("[A26-13] are all that the metadata lists when the challenge names none", async () => {
    const world = await startWorld();
    world.resourceMetadata["scopes_supported"] = ["a", "b"];
    expect(await send(userClient(), world.mcpUrl)).toBe(200);
    expect(world.as.asked).toEqual(["a b"]);
  });

  it("[A26-13] are left to the authorization server when nobody names any", async () => {
    const world = await startWorld();
    expect(await send(userClient(), world.mcpUrl)).toBe(200);
    expect(world.as.asked).toEqual([null]);
  });

  it("are joined by those that the application wants", async () => {
    const world = await startScoped("a", { scope: "a" });
    expect(await send(userClient({ scope: "b a" }), world.mcpUrl)).toBe(200);
    expect(world.as.asked).toEqual(["a b"]);
  });

  it.each([
    [true, ["a", "offline_access"], "a offline_access"],
    [true, ["a"], "a"],
    [true, undefined, "a"],
    [false, ["a", "offline_access"], "a"],
  ])(
    "[A26-15c] offlineAccess %s at a server that lists %j: %s",
    async (offlineAccess, listed, asked) => {
      const world = await startScoped("a", { scope: "a" });
      world.as.metadata["scopes_supported"] = listed;
      expect(await send(userClient({ offlineAccess }), world.mcpUrl)).toBe(200);
      expect(world.as.asked).toEqual([asked]);
    },
  );
});

describe("wider scopes", () => {
  it("[A26-14] are asked for together with those that were granted", async () => {
    const needed = { scope: "read" };
    const world = await startScoped("read", needed);
    const auth = userClient();
    expect(await send(auth, world.mcpUrl)).toBe(200);
    needed.scope = "write";
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(world.as.asked).toEqual(["read", "read write"]);
    // A refresh cannot widen what was granted (RFC 6749, 6).
    expect(world.as.count("/token", "refresh_token")).toBe(0);
  });

  it("[A26-14] are asked for once by requests side by side", async () => {
    const needed = { scope: "read" };
    const world = await startScoped("read", needed);
    const user = willingUser();
    const auth = userClient({ interaction: user });
    await send(auth, world.mcpUrl);
    needed.scope = "read write";
    const statuses = await Promise.all(Array.from({ length: 20 }, () => send(auth, world.mcpUrl)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(user.visited).toHaveLength(2);
  });

  it("[A26-14] that were granted and are still not enough are not asked for again", async () => {
    const world = await startWorld();
    world.refuse = (request) =>
      world.as.issued.has(tokenOf(request))
        ? insufficientScope("admin")
        : unauthorized(world, ', scope="admin"');
    const user = willingUser();
    const auth = userClient({ interaction: user });
    expect(await send(auth, world.mcpUrl)).toBe(403);
    expect(await send(auth, world.mcpUrl)).toBe(403);
    expect(user.visited).toHaveLength(1);
  });

  it("[A26-14] that were asked for and not granted are not asked for again", async () => {
    const world = await startWorld();
    world.as.tokenResponse["scope"] = "read";
    world.refuse = (request) =>
      world.as.issued.has(tokenOf(request))
        ? insufficientScope("read admin")
        : unauthorized(world, ', scope="read"');
    const user = willingUser();
    expect(await send(userClient({ interaction: user }), world.mcpUrl)).toBe(403);
    expect(user.visited).toHaveLength(2);
  });

  it("[A26-14] without end are asked for three times in a minute at most", async () => {
    const world = await startWorld();
    let more = 0;
    world.refuse = (request) =>
      world.as.issued.has(tokenOf(request))
        ? insufficientScope(`scope-${++more}`)
        : unauthorized(world);
    const user = willingUser();
    const error = await failure(send(userClient({ interaction: user }), world.mcpUrl));
    expect(error.code).toBe("too_many_attempts");
    expect(user.visited).toHaveLength(3);
  });

  it("do not hold up requests that need none while the user decides", async () => {
    const needed = { scope: "read" };
    const world = await startScoped("read", needed);
    const user = willingUser();
    let decide = (): void => {};
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const auth = userClient({
      interaction: {
        async authorize(url, options) {
          if (user.visited.length > 0) await decided;
          return user.authorize(url, options);
        },
      },
    });
    await send(auth, world.mcpUrl);
    needed.scope = "write";
    const wider = send(auth, world.mcpUrl);
    await expect.poll(() => world.mcp.count("/mcp")).toBe(3);
    const headers = await auth.headers({ method: "POST", url: world.mcpUrl });
    expect(headers).toHaveProperty("authorization");
    decide();
    expect(await wider).toBe(200);
  });

  it("a plain 403 is no reason to ask for anything", async () => {
    const world = await startWorld();
    const auth = userClient();
    await send(auth, world.mcpUrl);
    for (const header of [
      undefined,
      "Bearer",
      'Bearer error="insufficient_scope"',
      'Basic x="y"',
    ]) {
      world.refuse = () => ({
        status: 403,
        ...(header !== undefined && { headers: { "www-authenticate": header } }),
      });
      expect(await send(auth, world.mcpUrl)).toBe(403);
    }
    expect(world.as.asked).toHaveLength(1);
  });
});
