import { JWTAuth, OAuthResourceServer } from "@backplane/auth";
import { clientCredentials, OAuthClientError, oauth } from "@backplane/auth/client";
import { describe, expect, it } from "vitest";
import { connectingFiles, sources } from "./harness/source-scan.ts";

/** Every file that can open a connection, and what keeps it from going where a peer would like it to. */
const connecting: Readonly<Record<string, string | RegExp>> = {
  "auth/src/client/undici-transport.ts": /createSafeLookup\(guard\.addressPolicy/,
  "auth/src/client/transports.ts": /redirect: "manual"/,
  "auth/src/client/probe.ts": "sends by a guarded fetch alone, which is given to it",
  "auth/src/internal/discover-jwks.ts": "sends by a guarded fetch alone, which is given to it",
  "protocol/src/node/safe-lookup.ts": /assertAddress/,
  "resources/src/http/http-reader.ts":
    /connect: \{ lookup: createSafeLookup\(settings\.urlPolicy\)/,
  // To what the application named, and to nothing else: neither redirects nor events lead elsewhere.
  "client/src/http/fetch-sender.ts": /redirect: "manual"/,
  "client/src/http/undici-sender.ts":
    "undici's dispatch follows no redirect; see endpoint-stream.ts",
  "client/src/http/single-connection.ts": "gives undici-sender.ts its one connection, as above",
  "monitoring/src/health/service-checks.ts": /redirect: "manual"/,
  // These listen.
  "auth/src/node/loopback-interaction.ts": /127\.0\.0\.1/,
  "server/src/http/listener.ts": "listens, and connects to nobody",
};

/** Ways to write an address that is not the public internet's, or to hide what is behind one. */
const hostile: readonly string[] = [
  "http://as.example/x",
  "https://127.0.0.1/x",
  "https://127.1/x",
  "https://2130706433/x",
  "https://0x7f000001/x",
  "https://0177.0.0.1/x",
  "https://localhost/x",
  "https://sub.localhost/x",
  "https://10.0.0.1/x",
  "https://167772161/x",
  "https://172.16.0.1/x",
  "https://192.168.0.1/x",
  "https://169.254.169.254/latest/meta-data",
  "https://100.64.0.1/x",
  "https://0.0.0.0/x",
  "https://[::1]/x",
  "https://[::]/x",
  "https://[::ffff:127.0.0.1]/x",
  "https://[::ffff:7f00:1]/x",
  "https://[64:ff9b::7f00:1]/x",
  "https://[fe80::1]/x",
  "https://[fd00::1]/x",
  "https://metadata.google.internal/x",
  "https://printer.local/x",
  "https://intranet/x",
  "https://user:password@as.example/x",
  "ftp://as.example/x",
  "file:///etc/passwd",
  "data:application/json,{}",
];

const resource = "https://mcp.example/mcp";
const issuer = "https://as.example";

/** The public internet as one function: what it answers by address, and what it was asked. */
function internet(answers: Readonly<Record<string, unknown>>) {
  const asked: string[] = [];
  const fetch = (async (input: string | URL | Request) => {
    const url = String(input instanceof Request ? input.url : input);
    asked.push(url);
    const body = answers[url];
    return body === undefined
      ? new Response("", { status: 404 })
      : Response.json(body, { status: 200 });
  }) as typeof globalThis.fetch;
  return { asked, fetch };
}

const resourceMetadata = {
  [`https://mcp.example/.well-known/oauth-protected-resource/mcp`]: {
    resource,
    authorization_servers: [issuer],
  },
};
const asMetadata = (over: Readonly<Record<string, unknown>>) => ({
  [`${issuer}/.well-known/oauth-authorization-server`]: {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
    ...over,
  },
});

/** What a client makes of a refusal by `https://mcp.example`. */
async function challenged(
  answers: Readonly<Record<string, unknown>>,
  { header = "Bearer", registers = false } = {},
) {
  const { asked, fetch } = internet(answers);
  const opened: string[] = [];
  const auth = registers
    ? oauth({
        fetch,
        registration: { clientName: "x" },
        redirectUrl: "http://127.0.0.1:3000/callback",
        interaction: {
          async authorize({ url }: { url: URL | string }) {
            opened.push(String(url));
            return new Promise<never>(() => {});
          },
        } as never,
      })
    : clientCredentials({ clientId: "c", clientSecret: "s", issuer, fetch });
  const refusal = {
    status: 401,
    headers: { "www-authenticate": header },
    url: resource,
    sent: {},
  } as const;
  const error: unknown = await (auth.onChallenge(refusal as never) as Promise<unknown>).then(
    (outcome) => outcome,
    (thrown: unknown) => thrown,
  );
  return { asked, opened, error };
}

/** Nothing was asked but the two that are public and named, and the flow has ended with an error. */
function expectGuarded({ asked, error }: { asked: readonly string[]; error: unknown }): void {
  for (const url of asked)
    expect(url).toMatch(/^https:\/\/(mcp|as)\.example\/(\.well-known|register|token)/);
  expect(OAuthClientError.isInstance(error) || error === "fail").toBe(true);
  expect(String(error)).not.toContain("password");
}

/** By the member of a peer's message that holds it. */
const places: Readonly<Record<string, (url: string) => Promise<void>>> = {
  "resource_metadata of a challenge": async (url) =>
    expectGuarded(await challenged({}, { header: `Bearer resource_metadata="${url}"` })),
  "authorization_servers of a resource's metadata": async (url) => {
    const [[at]] = Object.entries(resourceMetadata) as [[string, unknown]];
    expectGuarded(await challenged({ [at]: { resource, authorization_servers: [url] } }));
  },
  "token_endpoint of an authorization server": async (url) =>
    expectGuarded(
      await challenged({ ...resourceMetadata, ...asMetadata({ token_endpoint: url }) }),
    ),
  "registration_endpoint of an authorization server": async (url) => {
    const answers = { ...resourceMetadata, ...asMetadata({ registration_endpoint: url }) };
    expectGuarded(await challenged(answers, { registers: true }));
  },
  "authorization_endpoint of an authorization server": async (url) => {
    const registered = { client_id: "c", redirect_uris: ["http://127.0.0.1:3000/callback"] };
    const answers = { [`${issuer}/register`]: registered, ...resourceMetadata };
    const flow = await challenged(
      { ...answers, ...asMetadata({ authorization_endpoint: url }) },
      { registers: true },
    );
    expectGuarded(flow);
    expect(flow.opened).toEqual([]);
  },
  "jwks_uri of an issuer": async (url) => {
    const { asked, fetch } = internet(asMetadata({ jwks_uri: url }));
    const auth = new JWTAuth({
      issuer,
      audience: resource,
      algorithms: ["ES256"],
      discover: true,
      fetch,
    });
    const token = `${btoa('{"alg":"ES256","kid":"1"}')}.${btoa('{"sub":"a"}')}.c2ln`.replaceAll(
      "=",
      "",
    );
    const header = (name: string) => (name === "authorization" ? `Bearer ${token}` : undefined);
    const request = { method: "POST", path: "/mcp", header, remoteAddress: undefined };
    expect(await auth.authenticate(request)).toMatchObject({
      failure: { status: 503, stage: "key" },
    });
    for (const each of asked) expect(each).toMatch(/^https:\/\/as\.example\/\.well-known/);
    expect(asked.length).toBeGreaterThan(0);
  },
};

describe("places that a peer's URL passes", () => {
  it("are all known: a file that opens connections has a row", () => {
    expect(
      connectingFiles().filter((file) => !(file in connecting)),
      "files without a row: say in `connecting` what keeps them from going where a peer likes",
    ).toEqual([]);
    for (const [file, guard] of Object.entries(connecting)) {
      const text = sources().get(file);
      expect(text, file).toBeDefined();
      if (guard instanceof RegExp) expect(text, file).toMatch(guard);
    }
  });

  it.each(Object.keys(places))("%s leads nowhere but to the public internet", async (name) => {
    for (const url of hostile) await places[name]?.(url);
  });

  it("good ones lead where they say", async () => {
    const answers = { ...resourceMetadata, ...asMetadata({}), [`${issuer}/token`]: {} };
    const { asked } = await challenged(answers);
    expect(asked.at(-1)).toBe(`${issuer}/token`);
  });

  it.each(hostile.filter((url) => !/127|2130706433|0x7f|0177|localhost|::1\]/.test(url)))(
    "an operator does not name %s by mistake",
    (url) => {
      const plain = /^https:\/\/(?!.*@)/.test(url);
      const make = () =>
        new OAuthResourceServer({
          publicUrl: resource,
          authorizationServers: [{ issuer: url, algorithms: ["ES256"] }],
        });
      // Private addresses may be meant by who writes the options; plain http and credentials never.
      if (plain) expect(make).not.toThrow();
      else expect(make).toThrow(/https/);
    },
  );
});
