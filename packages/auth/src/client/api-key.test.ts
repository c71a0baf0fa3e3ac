import { inspect } from "node:util";
import { Secret } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { type ApiKeyOptions, apiKey } from "./api-key.ts";
import { failure } from "./harness/client.test-support.ts";

const url = "https://mcp.example/mcp";
const at = (where: string) => ({ method: "POST", url: where });

describe("apiKey", () => {
  it.each([
    [{}, { "x-api-key": "the-key" }],
    [{ headerName: "X-Other" }, { "x-other": "the-key" }],
    [{ headerName: "Authorization" }, { authorization: "Bearer the-key" }],
  ])("with %j stands in a header", async (options, headers) => {
    expect(await apiKey(new Secret("the-key"), options).headers(at(url))).toEqual(headers);
  });

  it("goes to one origin, and is not shown", async () => {
    const auth = apiKey("the-key");
    await auth.headers(at(url));
    const error = await failure(auth.headers(at("https://evil.example/mcp")));
    expect(error.code).toBe("origin_mismatch");
    expect(error.message).toMatch(/apiKey: the key is for https:\/\/mcp.example/);
    expect(inspect([auth, error], { depth: 9, showHidden: true })).not.toContain("the-key");
  });

  it("from a function is asked for again when it was refused", async () => {
    let key = "old";
    const auth = apiKey(() => key);
    const sent = await auth.headers(at(url));
    key = "new";
    const refusal = { status: 401, headers: {}, url, sent };
    expect(await auth.onChallenge(refusal)).toBe("retry");
    expect(await auth.onChallenge({ ...refusal, sent: await auth.headers(at(url)) })).toBe("fail");
    expect(await auth.onChallenge({ ...refusal, status: 403 })).toBe("fail");
  });

  it.each([
    ["", {}],
    ["two words", {}],
    ["key", { headerName: "not a header" }],
    ["key", { origins: ["mcp.example"] }],
    ["key", { header: "X-API-Key" }],
  ])("refuses %j with %j", (key, options) => {
    expect(() => apiKey(key, options as ApiKeyOptions)).toThrow(/^apiKey: /);
  });
});
