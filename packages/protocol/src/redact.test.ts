import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSensitiveName, redact } from "./redact.ts";
import { redactText } from "./redact-text.ts";
import { Secret } from "./secret.ts";

const JWT = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"sub":"alice"}').toString("base64url")}.c2lnbmF0dXJl`;

describe("isSensitiveName", () => {
  it.each([
    "authorization",
    "Proxy-Authorization",
    "accessToken",
    "refresh_token",
    "token",
    "tokens",
    "PASSWORD",
    "userPassword",
    "db_passwd",
    "client_secret",
    "X-Api-Key",
    "api_key",
    "apiKeys",
    "Cookie",
    "set-cookie",
    "privateKey",
    "credentials",
    "code_verifier",
  ])("%s is", (name) => {
    expect(isSensitiveName(name)).toBe(true);
  });

  it.each(["progressToken", "tokenCount", "key", "name", "author", "passenger", "description", ""])(
    "%s is not",
    (name) => {
      expect(isSensitiveName(name)).toBe(false);
    },
  );
});

describe("redactText", () => {
  it.each([
    ["https://user:pass@host/path", "https://[redacted]@host/path"],
    ["redis://:p@ss@10.0.0.1:6379/0 down", "redis://[redacted]@10.0.0.1:6379/0 down"],
    ["Authorization: Basic dXNlcjpwYXNz", "Authorization: [redacted]"],
    ["cookie: a=b; session=s3cr3t\r\nhost: x", "cookie: [redacted]\r\nhost: x"],
    ["sent Bearer abc.def-123~/+== to it", "sent Bearer [redacted] to it"],
    ["sent bearer abcdef", "sent bearer [redacted]"],
    ["Basic dXNlcjpwYXNz", "Basic [redacted]"],
    ["basic authentication failed", "basic authentication failed"],
    [`got ${JWT}!`, "got [redacted]!"],
    ["GET /cb?code=1&access_token=abc&x=2", "GET /cb?code=1&access_token=[redacted]&x=2"],
    ['{"password":"a \\"b\\" c","user":"u"}', '{"password":[redacted],"user":"u"}'],
    ['{"client_secret": "cut off in the mid', '{"client_secret": [redacted]'],
    ['{"authorization":"opaque","a":1}', '{"authorization":[redacted],"a":1}'],
    ["api-key: 'k1' next", "api-key: [redacted] next"],
    ["a token is needed: get one", "a token is needed: get one"],
    ["mailto alice@example.com", "mailto alice@example.com"],
    ["https://example.com/@user", "https://example.com/@user"],
    [
      "-----BEGIN RSA PRIVATE KEY-----\nMIIE-abc\n-----END RSA PRIVATE KEY----- after",
      "[redacted] after",
    ],
    ["-----BEGIN PRIVATE KEY-----\nMIIE cut", "[redacted]"],
  ])("%j becomes %j", (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it("masks a masked text to itself", () => {
    const part = fc.constantFrom(
      "https://u:p@h/ ",
      "Bearer abcdef ",
      "password=x1 ",
      "Cookie: a=b\n",
      `${JWT} `,
      '"secret":"s" ',
      "Basic QUJD: ",
      "plain words, ",
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const once = redactText(parts.join(""));
        expect(redactText(once)).toBe(once);
      }),
    );
  });

  it("cuts long texts where no credential is cut in half", () => {
    const masked = redactText(`${"word ".repeat(10)}https://user:password@host/`, 66);
    expect(masked).toMatch(/^(word ){10}\[\d+ more characters\]$/);
    expect(redactText("x".repeat(100), 50)).toBe("[100 more characters]");
  });

  it.each([
    ["a".repeat(8_000)],
    ["eyJ-".repeat(2_000)],
    ["a://".repeat(2_000)],
    ["-----BEGIN PRIVATE KEY-----".repeat(300)],
    ["token:".repeat(1_300)],
    ["Bearer ".repeat(1_100)],
    [`"password":"${"\\".repeat(8_000)}`],
    [`cookie${" ".repeat(8_000)}`],
    ["basic a".repeat(1_100)],
  ])("takes no long time over a hostile text (%#)", (text) => {
    const startMs = performance.now();
    for (let n = 0; n < 20; n++) redactText(text);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});

describe("redact", () => {
  it("hides what stands under sensitive names, whatever it is, and changes nothing", () => {
    const value = {
      headers: { Authorization: "Bearer x", "x-api-key": ["a", "b"], accept: "text/plain" },
      user: { name: "alice", password: { nested: "p" }, pin: 1 },
      maxTokens: 200,
      _meta: { progressToken: "p1" },
    };
    const before = structuredClone(value);
    expect(redact(value)).toEqual({
      headers: { Authorization: "[redacted]", "x-api-key": "[redacted]", accept: "text/plain" },
      user: { name: "alice", password: "[redacted]", pin: 1 },
      maxTokens: 200,
      _meta: { progressToken: "p1" },
    });
    expect(value).toEqual(before);
  });

  it("masks texts at any depth, and in names", () => {
    expect(redact([{ a: ["see https://u:p@h/"] }, { "Bearer abcdefg": 1 }])).toEqual([
      { a: ["see https://[redacted]@h/"] },
      { "Bearer [redacted]": 1 },
    ]);
  });

  it("shows errors with their cause, masked", () => {
    const cause = new Error("connect to redis://u:p@h failed");
    const error = Object.assign(new TypeError("no", { cause }), { code: "E", token: "t" });
    const copy = redact(error) as Record<string, unknown>;
    expect(copy).toMatchObject({
      name: "TypeError",
      message: "no",
      code: "E",
      token: "[redacted]",
    });
    expect((copy["cause"] as { message: string }).message).toBe(
      "connect to redis://[redacted]@h failed",
    );
    expect(JSON.stringify(copy)).not.toContain("u:p");
  });

  it("makes plain JSON of everything else", () => {
    expect(
      redact({
        secretless: new Secret("s3cr3t"),
        map: new Map([["cookie", "c"]]),
        set: new Set([1]),
        headers: new Headers({ authorization: "Bearer x", accept: "*/*" }),
        url: new URL("https://u:p@h/"),
        date: new Date(0),
        bytes: new Uint8Array(3),
        big: 1n,
        nan: Number.NaN,
        fn: () => 1,
        symbol: Symbol("s"),
        nothing: null,
      }),
    ).toEqual({
      secretless: "[redacted]",
      map: { cookie: "[redacted]" },
      set: [1],
      headers: { authorization: "[redacted]", accept: "*/*" },
      url: "https://[redacted]@h/",
      date: "1970-01-01T00:00:00.000Z",
      bytes: "[3 bytes]",
      big: "1",
      nan: "NaN",
      fn: "[function]",
      symbol: "[symbol]",
      nothing: null,
    });
  });

  it("survives cycles, throwing getters and proxies, and shared parts", () => {
    const shared = { a: 1 };
    const cycle: Record<string, unknown> = { one: shared, two: shared };
    cycle["self"] = cycle;
    expect(redact(cycle)).toEqual({ one: { a: 1 }, two: { a: 1 }, self: "[circular]" });
    const hostile = {
      get broken(): string {
        throw new Error("no");
      },
      proxy: new Proxy(
        {},
        {
          ownKeys() {
            throw new Error("no");
          },
        },
      ),
      toJSON: undefined,
    };
    expect(redact(hostile)).toEqual({
      broken: "[unreadable]",
      proxy: "[unreadable]",
      toJSON: undefined,
    });
  });

  it("keeps its bounds", () => {
    let deep: unknown = "leaf";
    for (let n = 0; n < 10_000; n++) deep = { deep };
    expect(JSON.stringify(redact(deep))).toContain("[too deep]");
    const wide = redact(
      Array.from({ length: 5_000 }, (_, n) => n),
      { maxEntries: 3 },
    );
    expect(wide).toEqual([0, 1, 2, "[4997 more]"]);
    const members = redact({ a: 1, b: 2, c: 3 }, { maxEntries: 2 });
    expect(members).toEqual({ a: 1, b: 2, "…": "[more]" });
    expect(redact({ a: { b: 1 } }, { maxDepth: 1 })).toEqual({ a: "[too deep]" });
    expect(redact("x".repeat(20), { maxTextLength: 10 })).toBe("[20 more characters]");
  });

  it("a member named __proto__ is data and pollutes nothing", () => {
    const copy = redact(JSON.parse('{"__proto__":{"polluted":true}}')) as Record<string, unknown>;
    expect(({} as Record<string, unknown>)["polluted"]).toBe(undefined);
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"polluted":true}}');
  });

  it("never shows a planted credential, wherever it stands", () => {
    const planted = "pl4nted-cr3dential";
    const holder = fc.constantFrom<(inner: unknown) => unknown>(
      (inner) => ({ a: inner }),
      (inner) => [1, inner],
      (inner) => new Map([["m", inner]]),
      (inner) => Object.assign(new Error("e"), { detail: inner }),
      (inner) => ({ toJSON: () => inner }),
    );
    const leaf = fc.constantFrom<unknown>(
      { password: planted },
      { "Set-Cookie": [planted] },
      `https://user:${planted}@host/`,
      `Authorization: ${planted}`,
      `x Bearer ${planted}`,
      new Secret(planted),
      `{"api_key":"${planted}"}`,
      new Error(`https://${planted}@host`),
    );
    fc.assert(
      fc.property(leaf, fc.array(holder, { maxLength: 5 }), (inner, holders) => {
        const value = holders.reduce((held, hold) => hold(held), inner);
        expect(JSON.stringify(redact(value))).not.toContain(planted);
      }),
    );
  });

  it("never throws, and its result is JSON", () => {
    fc.assert(
      fc.property(
        fc.anything({ withMap: true, withSet: true, withDate: true, withBigInt: true }),
        (value) => {
          JSON.stringify(redact(value));
        },
      ),
    );
  });
});
