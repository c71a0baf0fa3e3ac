import { anyOf, OAuthResourceServer } from "@backplane/auth";
import { codecFor } from "@backplane/protocol";
import type { MCPServer } from "@backplane/server";
import { describe, expect, it } from "vitest";
import { type Headers, modern, send } from "../protocol/harness/http.ts";
import { useServer } from "../protocol/harness/servers.ts";
import { recordingLogger } from "./attacks/recording.ts";
import { apiKey, guardedOptions, jwt, keys, registerGuarded } from "./harness/guarded-server.ts";
import { endpointSurfaces, methodSurfaces, type Seen, type Surface } from "./harness/surfaces.ts";

const logger = recordingLogger();
const { auth: keysAndTokens, policy } = guardedOptions();
/** Publishes metadata; its tokens are those of a server that is away. */
const oauth = new OAuthResourceServer({
  publicUrl: "https://mcp.example/mcp",
  authorizationServers: [{ issuer: "https://away.example", algorithms: ["ES256"] }],
});
const page = "https://page.example";

/** Everything that plugs in beside the endpoint. */
function register(server: MCPServer): void {
  registerGuarded(server);
  server.addHealthChecker({
    checkHealth: () => ({ status: "healthy", checks: {}, timestamp: "2026-07-28T00:00:00Z" }),
  });
  const handle = () => ({ body: '{"result":"answered"}' });
  server.addRoute({ method: "GET", path: "/metrics", access: "authenticated", handle });
  server.addRoute({ method: "POST", path: "/actions/*", access: "authenticated", handle });
  server.addRoute({ method: "GET", path: "/welcome", access: "public", handle });
}

const target = useServer(register, {
  auth: anyOf([keysAndTokens as NonNullable<typeof keysAndTokens>, oauth]),
  ...(policy && { policy }),
  allowedOrigins: [page],
  legacySse: true,
  logger,
});

/** Who may have what is beside the endpoint: everybody, or who has a credential. */
const routeAccess: Readonly<Record<string, "everybody" | "known">> = {
  "GET /health": "everybody",
  "GET /ready": "everybody",
  "GET /health/details": "known",
  "GET /.well-known/oauth-protected-resource": "everybody",
  "GET /.well-known/oauth-protected-resource/mcp": "everybody",
  "GET /metrics": "known",
  "POST /actions/*": "known",
  "GET /welcome": "everybody",
};

const none: Readonly<Record<string, Headers>> = { "no credential": {} };
const wrong: Readonly<Record<string, Headers>> = {
  "an unknown key": apiKey("key-of-nobody-at-all"),
  "two keys": { "x-api-key": [keys.admin, keys.admin] },
  "a key in capitals": apiKey(keys.admin.toUpperCase()),
  "a key in the wrong header": { authorization: `Bearer ${keys.admin}` },
  "a token that is none": { authorization: "Bearer not.a.token" },
  "another scheme": { authorization: "Basic YWRtaW46YWRtaW4=" },
  "an endless credential": { authorization: `Bearer ${"a".repeat(13_000)}` },
};
const weak = apiKey(keys.other);
const right = apiKey(keys.admin);

function expectRefused(answer: Seen, which: string): void {
  expect([400, 401], which).toContain(answer.status);
  expect(answer.headers["www-authenticate"], which).toMatch(/ApiKey|Bearer/);
  expect(answer.text, which).not.toMatch(/result|secret|by.role/);
}

function expectOutcome({ status, text }: Seen, outcome: Surface["weak"]): void {
  if (outcome === "answer") {
    expect([200, 202]).toContain(status);
    expect(text).not.toMatch(/"error"/);
  } else {
    expect(status).not.toBe(401);
    expect(status >= 400 || text.includes('"error"')).toBe(true);
  }
}

/** The name of a row without what makes it one of several. */
const plain = (name: string): string => name.replace(/ \(.*\)$/, "");
const covered = (rows: Iterable<string>): readonly string[] =>
  [...new Set([...rows].map(plain))].sort();

describe("every surface has a row", () => {
  it("[S26-52b] each method of the wire tables", () => {
    const known = (["2026-07-28", "2025-11-25"] as const).flatMap((revision) =>
      [...codecFor(revision).methods.keys()].map((method) => `${revision} ${method}`),
    );
    expect(covered(methodSurfaces.keys())).toEqual(known.sort());
  });

  it("[S26-52b] each route of the server", () => {
    const known = target.server.routes.map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(routeAccess).sort()).toEqual([...known].sort());
  });

  it("[S26-52b] each HTTP method of the endpoint", async () => {
    const headers = { origin: page, "access-control-request-method": "POST" };
    const preflight = await send(target.url, { method: "OPTIONS", headers });
    const served = String(preflight.headers["access-control-allow-methods"]).split(", ");
    // PUT stands for all that are not served.
    expect(covered(endpointSurfaces.keys())).toEqual([...served, "PUT"].sort());
  });
});

describe.each([...methodSurfaces, ...endpointSurfaces])(
  "[S26-52b, R26-03] %s",
  (_name, surface) => {
    it.each(Object.entries({ none, wrong }))(
      "is refused with %s, and says nothing",
      async (_, bad) => {
        for (const [which, headers] of Object.entries(bad)) {
          const asker = { headers, isKnown: false, owner: right };
          expectRefused(await surface.ask(target.url, asker), which);
        }
        // Never a credential in the log.
        expect(logger.text).not.toMatch(/key-of|not\.a\.token|YWRtaW46|aaaaaa/i);
      },
    );

    it("answers a caller without permissions as the policy says", async () => {
      const answer = await surface.ask(target.url, { headers: weak, isKnown: true, owner: weak });
      expectOutcome(answer, surface.weak);
      expect(answer.text).not.toMatch(/secret/);
    });

    it("answers a caller with permissions", async () => {
      const answer = await surface.ask(target.url, { headers: right, isKnown: true, owner: right });
      expectOutcome(answer, surface.right ?? "answer");
    });
  },
);

describe.each(Object.entries(routeAccess))("[S26-52b] %s", (name, access) => {
  const [method, path] = name.split(" ") as [string, string];
  const ask = (headers: Headers): Promise<Seen> =>
    send(new URL(path.replace("*", "x"), target.url).href, { method, headers });

  it("asks for a credential, or says the same to everybody", async () => {
    const known = [await ask(weak), await ask(right)];
    for (const { status } of known) expect(status).toBe(200);
    for (const [which, headers] of Object.entries({ ...none, ...wrong })) {
      const answer = await ask(headers);
      if (access === "known") expectRefused(answer, which);
      else expect([answer.status, answer.text]).toEqual([200, known[1]?.text]);
    }
  });
});

describe("what is public", () => {
  it("says nothing but a status, or what the authenticator publishes", async () => {
    for (const path of ["/health", "/ready"]) {
      const answer = await send(new URL(path, target.url).href, { method: "GET" });
      expect(JSON.parse(answer.text)).toEqual({ status: expect.any(String) });
    }
    const metadata = new URL("/.well-known/oauth-protected-resource", target.url).href;
    expect(JSON.parse((await send(metadata, { method: "GET" })).text)).toMatchObject({
      resource: "https://mcp.example/mcp",
    });
  });

  it("is not more than has a row: every other path is unknown", async () => {
    for (const path of ["/", "/admin", "/metrics/", "/dashboard", "/mcp/", "/health/", "/.env"]) {
      const answer = await send(new URL(path, target.url).href, { method: "GET", headers: right });
      expect(answer.status, path).toBe(404);
    }
  });
});

it("a listen stream tells of what may be read only", async () => {
  const notifications = { resourceSubscriptions: ["test://open", "test://by-role"] };
  const { listen } = await import("../protocol/harness/http.ts");
  for (const [headers, uris] of [
    [weak, ["test://open"]],
    [right, ["test://open", "test://by-role"]],
  ] as const) {
    const { stream, acknowledgement } = await listen(target.url, notifications, { headers });
    stream.close();
    expect(acknowledgement?.params?.["notifications"]).toEqual({ resourceSubscriptions: uris });
  }
});

it("every way in leads to the same principal everywhere", async () => {
  const token = await jwt.issue({ sub: "ada" });
  const asked = await Promise.all(
    [apiKey(keys.reader), { authorization: `Bearer ${token}` }].map((headers) =>
      modern(target.url, "tools/call", { name: "open", arguments: {} }, { headers }),
    ),
  );
  expect(asked.map(({ message }) => message?.result?.content?.[0]?.text)).toEqual([
    "reader",
    "ada",
  ]);
});
