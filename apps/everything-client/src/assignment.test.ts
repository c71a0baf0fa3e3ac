import { describe, expect, it } from "vitest";
import { readAssignment } from "./assignment.ts";

const url = "http://localhost:4711/mcp";
const env = {
  MCP_CONFORMANCE_SCENARIO: "tools_call",
  MCP_CONFORMANCE_PROTOCOL_VERSION: "2026-07-28",
};

describe("readAssignment", () => {
  it("takes the URL from the last argument and the rest from the environment", () => {
    expect(readAssignment(["--ignored", url], env)).toEqual({
      url,
      scenario: "tools_call",
      revision: "2026-07-28",
      context: {},
    });
  });

  it("parses the context", () => {
    const context = { name: "auth/pre-registration", client_id: "a", client_secret: "b" };
    const assignment = readAssignment([url], {
      ...env,
      MCP_CONFORMANCE_CONTEXT: JSON.stringify(context),
    });
    expect(assignment.context).toEqual(context);
  });

  it.each([
    ["no URL", [], env, "usage"],
    ["what is no URL", ["there"], env, "usage"],
    ["no scenario", [url], { ...env, MCP_CONFORMANCE_SCENARIO: undefined }, "SCENARIO is not set"],
    [
      "an unknown revision",
      [url],
      { ...env, MCP_CONFORMANCE_PROTOCOL_VERSION: "2020-01-01" },
      'not "2020-01-01"',
    ],
    ["a context that is no JSON", [url], { ...env, MCP_CONFORMANCE_CONTEXT: "{" }, "no JSON"],
    ["a context that is no object", [url], { ...env, MCP_CONFORMANCE_CONTEXT: "[]" }, "no object"],
  ])("refuses %s", (_name, args, given, message) => {
    expect(() => readAssignment(args, given)).toThrow(message);
  });
});
