import { describe, expect, it } from "vitest";
import { MCPClient } from "../mcp-client.ts";
import { DEFAULT_RESUBSCRIBE, resolveResubscribe } from "./resubscribe.ts";

describe("the option resubscribe", () => {
  it("fills in what is missing, and may have no end", () => {
    expect(resolveResubscribe("MCPClient")).toEqual(DEFAULT_RESUBSCRIBE);
    const endless = { maxAttempts: Number.POSITIVE_INFINITY, budgetMs: Number.POSITIVE_INFINITY };
    expect(resolveResubscribe("MCPClient", endless)).toEqual({
      ...DEFAULT_RESUBSCRIBE,
      ...endless,
    });
  });

  it.each([
    [{ maxAttempts: 0 }, /"resubscribe.maxAttempts"/],
    [{ budgetMs: -1 }, /"resubscribe.budgetMs"/],
    [{ maxDelayMs: Number.POSITIVE_INFINITY }, /"resubscribe.maxDelayMs"/],
    [{ budget: 5 }, /unknown option "resubscribe.budget"/],
  ])("refuses %j", (resubscribe, message) => {
    const options: object = { url: "http://127.0.0.1/mcp", resubscribe };
    expect(() => new MCPClient(options)).toThrow(message);
  });
});
