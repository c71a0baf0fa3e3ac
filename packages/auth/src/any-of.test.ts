import type { AuthenticationOutcome, Authenticator } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { anyOf } from "./any-of.ts";
import { APIKeyAuth } from "./api-key.ts";
import { requestOf } from "./harness/requests.test-support.ts";
import { AUDIENCE, ISSUER, SECRET, verdict } from "./harness/tokens.test-support.ts";
import { JWTAuth } from "./jwt.ts";

const KEY = "a-key-of-enough-characters";
const keys = new APIKeyAuth({ apiKeys: { machine: KEY } });
const jwt = new JWTAuth({
  issuer: ISSUER,
  audience: AUDIENCE,
  algorithms: ["HS256"],
  secretKey: SECRET,
});

function answering(outcome: AuthenticationOutcome, asked?: string[]): Authenticator {
  return {
    authenticate: () => {
      asked?.push("asked");
      return outcome;
    },
  };
}

async function ask(auth: Authenticator, headers: Record<string, string>) {
  return auth.authenticate(requestOf(headers));
}

describe("anyOf", () => {
  it("lets in by either way", async () => {
    const auth = anyOf([keys, jwt]);
    const token = await jwt.issue({ sub: "ada" });
    expect(verdict(await ask(auth, { "x-api-key": KEY }))).toBe("machine");
    expect(verdict(await ask(auth, { authorization: `Bearer ${token}` }))).toBe("ada");
    expect(verdict(await ask(anyOf([jwt, keys]), { "x-api-key": KEY }))).toBe("machine");
  });

  it("asks in order, and stops with the first that accepts", async () => {
    const asked: string[] = [];
    const never = answering({ principal: { id: "x", scopes: [], roles: [] } }, asked);
    const auth = anyOf([keys, never]);
    expect(verdict(await ask(auth, { "x-api-key": KEY }))).toBe("machine");
    expect(asked).toEqual([]);
    // At once where nothing has to be waited for.
    expect(auth.authenticate(requestOf({ "x-api-key": KEY }))).not.toBeInstanceOf(Promise);
  });

  it("answers with the challenges of all, and with what found a credential", async () => {
    const auth = anyOf([keys, jwt]);
    const headers = {
      "WWW-Authenticate": 'ApiKey realm="mcp", header="X-API-Key", Bearer realm="mcp"',
    };
    expect(await ask(auth, {})).toMatchObject({
      failure: { status: 401, headers, stage: "credentials" },
    });
    const bad = await ask(auth, { authorization: "Bearer not.a.token" });
    expect(bad).toMatchObject({
      failure: {
        stage: "format",
        headers: {
          "WWW-Authenticate":
            'Bearer realm="mcp", error="invalid_token", ApiKey realm="mcp", header="X-API-Key"',
        },
      },
    });
    expect(auth.stepUp?.(["read"])).toMatchObject({
      status: 403,
      headers: { "WWW-Authenticate": expect.stringContaining('scope="read"') },
    });
  });

  it("says that it cannot tell when one could not, unless another accepts", async () => {
    const headers = { "Retry-After": "5" };
    const failure = { status: 503 as const, headers, message: "", stage: "key" };
    const auth = anyOf([answering({ failure }), keys]);
    expect(verdict(await ask(auth, { "x-api-key": KEY }))).toBe("machine");
    expect(await ask(auth, { "x-api-key": "wrong" })).toMatchObject({
      failure: { status: 503, headers },
    });
  });

  it("serves nobody in particular only when told so, and never with a bad credential", async () => {
    const auth = anyOf([keys, jwt], { anonymous: true });
    expect(await ask(auth, {})).toEqual({
      principal: { id: "anonymous", issuer: "backplane:anonymous", scopes: [], roles: [] },
    });
    expect(verdict(await ask(auth, { "x-api-key": "wrong" }))).toBe("refused: key");
    expect(verdict(await ask(auth, { authorization: "Bearer wrong" }))).toBe("refused: format");
    expect(auth.notices).toEqual([expect.stringContaining("anonymous access")]);
    expect(anyOf([keys]).notices).toEqual([]);
  });

  it("publishes and warns of what its parts do", () => {
    const document = { contentType: "text/plain", body: () => "" };
    const publishing = { ...answering({} as never), documents: new Map([["/a", document]]) };
    const weak = new APIKeyAuth({ apiKeys: { a: "short" } });
    const auth = anyOf([publishing, weak]);
    expect([...(auth.documents?.keys() ?? [])]).toEqual(["/a"]);
    expect(auth.notices).toEqual(weak.notices);
    expect(() => anyOf([publishing, publishing])).toThrow(/publish \/a/);
  });

  it.each([
    [[], {}, /at least one/],
    [[{}], {}, /authenticate/],
    [[keys], { anonymus: true }, /unknown option "anonymus"/],
  ])("refuses %j %j", (authenticators, options, message) => {
    expect(() => anyOf(authenticators as never, options as never)).toThrow(message);
  });
});
