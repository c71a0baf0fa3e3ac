import { describe, expect, it } from "vitest";
import { MCPClientError } from "../errors.ts";
import type { SendStage } from "./http-sender.ts";
import { networkError } from "./network-error.ts";

function failure(fields: Record<string, unknown>, message = "broken"): Error {
  return Object.assign(new Error(message), fields);
}

const judged = (error: unknown, stage: SendStage) =>
  networkError(error, stage, "POST http://a/mcp");

describe("networkError", () => {
  it.each<[string, Error, SendStage, string, string]>([
    ["unsent", failure({ code: "ECONNRESET" }), "unsent", "connection_failed", "always"],
    [
      "sent",
      failure({ code: "ECONNRESET", syscall: "read" }),
      "sent",
      "connection_lost",
      "if-idempotent",
    ],
    [
      "sent in part",
      failure({ code: "EPIPE", syscall: "write" }),
      "sent",
      "connection_lost",
      "always",
    ],
    [
      "a socket that ended",
      failure({ code: "UND_ERR_SOCKET" }),
      "sent",
      "connection_lost",
      "if-idempotent",
    ],
    [
      "DNS",
      failure({ code: "EAI_AGAIN", syscall: "getaddrinfo" }),
      "unknown",
      "connection_failed",
      "always",
    ],
    [
      "a certificate",
      failure({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
      "unsent",
      "connection_failed",
      "never",
    ],
    [
      "a name that is not in it",
      failure({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }),
      "unknown",
      "connection_failed",
      "never",
    ],
    ["a closed dispatcher", failure({ code: "UND_ERR_CLOSED" }), "unsent", "closed", "never"],
    ["no HTTP", failure({ name: "HTTPParserError" }), "sent", "invalid_response", "never"],
    ["a header that cannot be", new TypeError("bad header"), "invalid", "not_supported", "never"],
    [
      "nobody knows",
      new TypeError("Failed to fetch"),
      "unknown",
      "connection_lost",
      "if-idempotent",
    ],
  ])("%s", (_what, error, stage, code, retry) => {
    expect(judged(error, stage)).toMatchObject({ code, retry, cause: error });
  });

  it("looks through what fetch wraps around the cause", () => {
    const cause = failure({ code: "ECONNREFUSED" }, "connect ECONNREFUSED 127.0.0.1:1");
    const error = new TypeError("fetch failed", { cause });
    expect(judged(error, "unknown")).toMatchObject({
      code: "connection_failed",
      message: "POST http://a/mcp: connect ECONNREFUSED 127.0.0.1:1",
      details: { reason: "ECONNREFUSED" },
      cause: error,
    });
  });

  it("names the reason where several addresses failed without a message", () => {
    const error = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
    expect(judged(error, "unsent").message).toBe("POST http://a/mcp: ECONNREFUSED");
  });

  it("keeps an error that is typed already, and copes with what is none", () => {
    const typed = new MCPClientError("closed", "x");
    expect(judged(typed, "sent")).toBe(typed);
    expect(judged("text", "sent")).toMatchObject({ code: "connection_lost", cause: "text" });
  });
});
