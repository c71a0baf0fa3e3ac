import { describe, expect, it } from "vitest";
import { needsAuth, scenarioOf } from "./scenarios.ts";

describe("scenarioOf", () => {
  it.each(["tools_call", "auth/basic-cimd"])("knows %s", (name) => {
    expect(scenarioOf(name).refuses).toBeUndefined();
  });

  it("expects a refusal where the server or its authorization server lies", () => {
    expect(scenarioOf("auth/iss-wrong-issuer").refuses).toBe(true);
  });

  it.each(["no-such-scenario", "toString"])("refuses %s", (name) => {
    expect(() => scenarioOf(name)).toThrow(name);
  });

  it("asks for credentials in scenarios of authorization only", () => {
    expect(needsAuth("auth/dpop")).toBe(true);
    expect(needsAuth("initialize")).toBe(false);
  });
});
