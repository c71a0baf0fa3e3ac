import { describe, expect, it } from "vitest";
import { willingUser } from "../test-suite/oauth-server.ts";
import { clientMetadataDocument } from "./client-metadata-document.ts";
import { failure, userClient } from "./harness/client.test-support.ts";
import {
  REDIRECT_URL,
  recordingLogger,
  send,
  startWorld,
  type World,
} from "./harness/world.test-support.ts";
import { createMemoryTokenStore } from "./memory-token-store.ts";
import { oauth } from "./oauth.ts";

const DOCUMENT_URL = "https://app.example/client.json";

function registrations({ as }: World): Record<string, unknown>[] {
  return as.received
    .filter(({ path }) => path === "/register")
    .map(({ text }) => JSON.parse(text) as Record<string, unknown>);
}

function lastTokenRequest({ as }: World) {
  const request = as.received.findLast(({ path }) => path === "/token");
  if (request === undefined) throw new Error("no token request");
  return request;
}

describe("the order of ways to a client id", () => {
  const all = {
    clientMetadataUrl: DOCUMENT_URL,
    registration: { clientName: "Test" },
    interaction: willingUser(),
    redirectUrl: REDIRECT_URL,
  };

  it("[A26-05] what was registered by hand comes first", async () => {
    const world = await startWorld();
    world.as.metadata["client_id_metadata_document_supported"] = true;
    const auth = oauth({ ...all, clientId: "by-hand", issuer: world.as.origin });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect([...world.as.issued.values()].map(({ clientId }) => clientId)).toEqual(["by-hand"]);
    expect(registrations(world)).toEqual([]);
  });

  it("[A26-05, A26-06] then the metadata document, where it is taken", async () => {
    const world = await startWorld();
    world.as.metadata["client_id_metadata_document_supported"] = true;
    expect(await send(oauth(all), world.mcpUrl)).toBe(200);
    expect([...world.as.issued.values()].map(({ clientId }) => clientId)).toEqual([DOCUMENT_URL]);
    expect(registrations(world)).toEqual([]);
  });

  it("[A26-05] then registration, where the document is not taken", async () => {
    const world = await startWorld();
    expect(await send(oauth(all), world.mcpUrl)).toBe(200);
    expect(registrations(world)).toHaveLength(1);
  });

  it("[A26-05] and when nothing is left the user is told what to do", async () => {
    const world = await startWorld();
    const { registration: _, ...rest } = all;
    const noDocuments = await failure(send(oauth(rest), world.mcpUrl));
    expect(noDocuments.code).toBe("registration_missing");
    expect(noDocuments.message).toContain("pass clientId and issuer");
    world.as.metadata["registration_endpoint"] = undefined;
    expect((await failure(send(oauth(all), world.mcpUrl))).code).toBe("registration_missing");
  });
});

describe("a client registered by hand", () => {
  it("[A26-04] is not shown to another authorization server than its own", async () => {
    const world = await startWorld();
    const auth = userClient({
      clientId: "by-hand",
      clientSecret: "by-hand-secret",
      issuer: "https://as.example",
    });
    expect((await failure(send(auth, world.mcpUrl))).code).toBe("issuer_mismatch");
    expect(world.as.count("/authorize") + world.as.count("/token")).toBe(0);
  });

  it("[A26-04] belongs to the first authorization server that it was used at, if none is named", async () => {
    const [world, other] = [await startWorld(), await startWorld()];
    const logger = recordingLogger();
    const auth = userClient({ clientId: "by-hand", clientSecret: "by-hand-secret", logger });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(logger.text()).toContain("issuer");
    expect((await failure(send(auth, other.mcpUrl))).code).toBe("issuer_mismatch");
    expect(JSON.stringify(other.as.received)).not.toContain("by-hand");
  });

  it("is preferred when the metadata lists several authorization servers", async () => {
    const world = await startWorld();
    world.resourceMetadata["authorization_servers"] = ["https://other.example", world.as.origin];
    const auth = userClient({ clientId: "by-hand", issuer: world.as.origin });
    expect(await send(auth, world.mcpUrl)).toBe(200);
  });

  it.each([
    [["client_secret_basic"], "basic"],
    [["client_secret_post"], "post"],
    [undefined, "basic"],
  ])("proves itself as %j wants", async (methods, expected) => {
    const world = await startWorld();
    world.as.metadata["token_endpoint_auth_methods_supported"] = methods;
    // What RFC 6749, 2.3.1 has to encode before Basic can carry it.
    const [clientId, clientSecret] = ["https://c:1/ü", "s:e+c r%é&t"];
    const auth = userClient({ clientId, clientSecret, issuer: world.as.origin });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    const { headers, form } = lastTokenRequest(world);
    if (expected === "post") {
      expect([form.get("client_id"), form.get("client_secret")]).toEqual([clientId, clientSecret]);
      expect(headers["authorization"]).toBeUndefined();
    } else {
      const [id, secret] = atob(String(headers["authorization"]).slice("Basic ".length)).split(":");
      const decode = (text = ""): string | null => new URLSearchParams(`a=${text}`).get("a");
      expect([decode(id), decode(secret)]).toEqual([clientId, clientSecret]);
      expect(form.has("client_secret")).toBe(false);
    }
  });

  it("with a secret does not go where no secret is taken", async () => {
    const world = await startWorld();
    world.as.metadata["token_endpoint_auth_methods_supported"] = ["private_key_jwt"];
    const auth = userClient({ clientId: "c", clientSecret: "the-secret", issuer: world.as.origin });
    const error = await failure(send(auth, world.mcpUrl));
    expect(error.code).toBe("client_auth_unsupported");
    expect(JSON.stringify(world.as.received)).not.toContain("the-secret");
  });
});

describe("registration", () => {
  it.each([
    [REDIRECT_URL, "native"],
    ["http://localhost:3000/cb", "native"],
    ["https://app.example/cb", "web"],
  ])("[A26-07, A26-16a] with %s is of a %s application", async (redirectUrl, type) => {
    const world = await startWorld();
    expect(await send(userClient({ redirectUrl }), world.mcpUrl)).toBe(200);
    expect(registrations(world)).toMatchObject([
      {
        application_type: type,
        client_name: "Test",
        redirect_uris: [redirectUrl],
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method: "none",
      },
    ]);
  });

  it("[A26-07] that is refused says why, and not what was answered", async () => {
    const world = await startWorld();
    world.as.route("/register", ({ text }) => ({
      status: 400,
      body: { error: "invalid_redirect_uri", error_description: `no: ${text}` },
    }));
    const error = await failure(send(userClient(), world.mcpUrl));
    expect([error.code, error.oauthError, error.stage, error.status]).toEqual([
      "registration_refused",
      "invalid_redirect_uri",
      "registration",
      400,
    ]);
    expect(`${error.message} ${String(error.cause)}`).not.toContain("redirect_uris");
  });

  it("[A26-07] is done once, and again when the secret has expired or the redirect has changed", async () => {
    const world = await startWorld();
    const store = createMemoryTokenStore();
    world.as.route("/register", () => ({
      status: 201,
      body: {
        client_id: "c",
        client_secret: "secret",
        client_secret_expires_at: 0,
        redirect_uris: [REDIRECT_URL],
        token_endpoint_auth_method: "client_secret_post",
      },
    }));
    world.as.tokenResponse["refresh_token"] = undefined;
    expect(await send(userClient({ store, account: "a" }), world.mcpUrl)).toBe(200);
    expect(lastTokenRequest(world).form.get("client_secret")).toBe("secret");
    expect(await send(userClient({ store, account: "b" }), world.mcpUrl)).toBe(200);
    expect(registrations(world)).toHaveLength(1);

    const redirectUrl = "http://127.0.0.1:4000/callback";
    expect(await send(userClient({ store, account: "c", redirectUrl }), world.mcpUrl)).toBe(200);
    expect(registrations(world)).toHaveLength(2);

    const key = { kind: "client", issuer: world.as.origin } as const;
    const found = await store.get(key);
    await store.set(
      key,
      { clientId: "c", redirectUrl, clientSecret: "x", clientSecretExpiresAtMs: 1 },
      found?.version,
    );
    expect(await send(userClient({ store, account: "d", redirectUrl }), world.mcpUrl)).toBe(200);
    expect(registrations(world)).toHaveLength(3);
  });

  it("is done anew when the authorization server has forgotten the client", async () => {
    const world = await startWorld();
    const store = createMemoryTokenStore();
    const auth = userClient({ store });
    await send(auth, world.mcpUrl);
    const [token] = [...world.as.issued.keys()];
    world.as.issued.delete(token as string);
    world.as.refuse("refresh_token", "invalid_client", { status: 401 });
    expect(await send(auth, world.mcpUrl)).toBe(200);
    expect(registrations(world)).toHaveLength(2);
  });
});

describe("the client metadata document", () => {
  it("[A26-06] names its own URL, the client and where users come back to", () => {
    expect(
      clientMetadataDocument({
        url: DOCUMENT_URL,
        clientName: "App",
        redirectUrls: ["https://app.example/cb", "http://127.0.0.1/cb"],
        logoUri: "https://app.example/logo.png",
      }),
    ).toEqual({
      client_id: DOCUMENT_URL,
      client_name: "App",
      redirect_uris: ["https://app.example/cb", "http://127.0.0.1/cb"],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
      logo_uri: "https://app.example/logo.png",
    });
  });

  it.each(["http://app.example/c", "https://app.example/", "https://app.example/c#x", "c"])(
    "[A26-06] does not stand at %s",
    (url) => {
      const options = { clientName: "App", redirectUrls: ["https://app.example/cb"] };
      expect(() => clientMetadataDocument({ ...options, url })).toThrow(/clientMetadataUrl/);
      expect(() => userClient({ clientMetadataUrl: url })).toThrow(/clientMetadataUrl/);
    },
  );
});

describe("options", () => {
  it.each([
    ["http://app.example/cb"],
    ["app://callback"],
    ["https://app.example/cb#x"],
    ["https://user:pass@app.example/cb"],
    [""],
  ])("[A26-16a] a redirect to %j is refused", (redirectUrl) => {
    expect(() => userClient({ redirectUrl })).toThrow(/redirectUrl/);
  });

  it.each([
    [{}, /clientId, clientMetadataUrl and registration/],
    [{ clientSecret: "x", clientMetadataUrl: DOCUMENT_URL }, /belong to clientId/],
    [{ clientId: "a", interaction: willingUser() }, /"redirectUrl" is missing/],
    [{ clientId: "a", redirectUrl: REDIRECT_URL }, /belong to an interaction/],
    [{ clientId: "" }, /"clientId" must not be empty/],
    [{ clientId: "a", scope: "a  b" }, /"scope"/],
    [{ clientId: "a", redirectUri: "x" }, /unknown option "redirectUri"/],
    [{ clientId: "a", requestTimeoutMs: 0 }, /"requestTimeoutMs"/],
    [{ clientId: "a", store: {} }, /"store" needs the methods get/],
    [{ clientId: "a", urlPolicy: { allowAddresses: ["x"] } }, /allowAddresses/],
  ])("%j is refused", (options, message) => {
    expect(() => oauth(options as never)).toThrow(message);
  });
});
