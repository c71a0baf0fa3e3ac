import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { willingUser } from "../test-suite/oauth-server.ts";
import type { ScriptedReply } from "../test-suite/scripted-peer.ts";
import { failure, userClient } from "./harness/client.test-support.ts";
import { listen } from "./harness/http-peer.test-support.ts";
import { send, startWorld, unauthorized } from "./harness/world.test-support.ts";

const PLACES = {
  "metadata of the resource": "/.well-known/oauth-protected-resource/mcp",
  "metadata of the authorization server": "/.well-known/oauth-authorization-server",
  registration: "/register",
  token: "/token",
};

type Place = keyof typeof PLACES;

async function startWith(place: Place, reply: () => ScriptedReply | Promise<ScriptedReply>) {
  const world = await startWorld();
  const peer = place === "metadata of the resource" ? world.mcp : world.as;
  peer.route(PLACES[place], reply);
  return world;
}

describe.each(Object.keys(PLACES) as Place[])("%s", (place) => {
  it("that is huge ends the flow", async () => {
    const world = await startWith(place, () => ({ body: { x: "y".repeat(2_000_000) } }));
    const error = await failure(send(userClient(), world.mcpUrl));
    expect([error.code, error.message]).toEqual([
      "invalid_response",
      expect.stringContaining("larger than"),
    ]);
  });

  it("that never comes ends the flow in time", async () => {
    const world = await startWith(place, () => new Promise(() => {}));
    const error = await failure(send(userClient({ requestTimeoutMs: 50 }), world.mcpUrl));
    expect([error.code, error.retryable]).toEqual(["unavailable", true]);
    expect(error.message).toContain("50 ms");
  });

  it.each(["{", "[]", "null", '"x"', "{}", ""])("that is %j ends the flow", async (text) => {
    const world = await startWith(place, () => ({
      headers: { "content-type": "application/json" },
      body: text,
    }));
    expect((await failure(send(userClient(), world.mcpUrl))).code).toBe("invalid_response");
  });

  it("that is a redirect to another origin is not followed", async () => {
    const elsewhere = await startWorld();
    const world = await startWith(place, () => ({
      status: 307,
      headers: { location: `${elsewhere.as.origin}${PLACES[place]}` },
    }));
    await failure(send(userClient(), world.mcpUrl));
    expect(elsewhere.as.received).toEqual([]);
  });

  it("that breaks off ends the flow", async () => {
    const broken = await listen(createServer((request) => request.socket.destroy()));
    const world = await startWorld();
    if (place === "metadata of the resource") {
      world.refuse = () => ({
        status: 401,
        headers: { "www-authenticate": `Bearer resource_metadata="${broken}/x"` },
      });
    } else if (place === "metadata of the authorization server") {
      world.resourceMetadata["authorization_servers"] = [broken];
    } else {
      world.as.metadata[place === "token" ? "token_endpoint" : "registration_endpoint"] =
        `${broken}/x`;
    }
    const error = await failure(send(userClient(), world.mcpUrl));
    expect([error.code, error.retryable]).toEqual(["unavailable", true]);
  });
});

describe("a peer that leads elsewhere", () => {
  const inside = "https://169.254.169.254/latest";
  it.each([
    ["the challenge", "resource_metadata"],
    ["the list of authorization servers", "authorization_servers"],
    ["the registration endpoint", "registration_endpoint"],
    ["the authorization endpoint", "authorization_endpoint"],
    ["the token endpoint", "token_endpoint"],
  ])("[C26-30] by %s is not followed", async (_what, member) => {
    const world = await startWorld();
    if (member === "resource_metadata") {
      world.refuse = () => ({
        status: 401,
        headers: { "www-authenticate": `Bearer resource_metadata="${inside}"` },
      });
    } else if (member === "authorization_servers") {
      world.resourceMetadata[member] = [inside];
    } else {
      world.as.metadata[member] = inside;
    }
    const user = willingUser();
    const error = await failure(send(userClient({ interaction: user }), world.mcpUrl));
    expect(error.code).toBe("unsafe_url");
    if (member === "authorization_endpoint") expect(user.visited).toEqual([]);
  });

  it("by a name that turns out to be this machine's neighbour is not connected to", async () => {
    const world = await startWorld();
    const server = world.as.origin.replace("127.0.0.1", "localhost");
    world.resourceMetadata["authorization_servers"] = [server];
    world.as.metadata["issuer"] = server;
    world.as.redirect["iss"] = server;
    expect(await send(userClient(), world.mcpUrl)).toBe(200);
    const { undiciTransport } = await import("./undici-transport.ts");
    const { createUrlGuard } = await import("./url-guard.ts");
    const guard = createUrlGuard(["https://mcp.example"], { schemes: ["http"] });
    const refused = undiciTransport(guard)(new URL(server), {
      method: "GET",
      headers: {},
      body: undefined,
      signal: AbortSignal.timeout(5_000),
    });
    await expect(refused).rejects.toMatchObject({ code: "UNSAFE_URL" });
  });
});

it("a policy that allows plain http does not let credentials go over it", async () => {
  const world = await startWorld();
  world.as.metadata["token_endpoint"] = "http://as.example/token";
  const urlPolicy = { schemes: ["http", "https"] };
  const error = await failure(send(userClient({ urlPolicy }), world.mcpUrl));
  expect([error.code, error.stage]).toEqual(["unsafe_url", "token"]);
});

describe("a fetch of the application's own", () => {
  it("is what all requests of the flow go through, guarded all the same", async () => {
    const world = await startWorld();
    const seen: string[] = [];
    const fetch: typeof globalThis.fetch = async (input, init) => {
      seen.push(`${init?.method} ${new URL(String(input)).pathname} ${init?.redirect}`);
      return globalThis.fetch(input, init);
    };
    expect(await send(userClient({ fetch }), world.mcpUrl)).toBe(200);
    expect(seen).toEqual([
      "GET /.well-known/oauth-protected-resource/mcp manual",
      "GET /.well-known/oauth-authorization-server manual",
      "POST /register manual",
      "POST /token manual",
    ]);
    world.as.issued.clear();
    world.refuse = () => unauthorized(world);
    world.resourceMetadata["authorization_servers"] = ["https://10.0.0.1"];
    const error = await failure(send(userClient({ fetch }), world.mcpUrl));
    expect([error.code, seen.length]).toEqual(["unsafe_url", 5]);
  });
});
