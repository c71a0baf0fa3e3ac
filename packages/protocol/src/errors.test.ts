import * as core from "@modelcontextprotocol/core/internal";
import { ErrorCode as SdkErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import {
  AuthorizationError,
  clip,
  deadlineExceeded,
  ErrorCode,
  headerMismatch,
  internalError,
  invalidParams,
  invalidRequest,
  MCPError,
  methodNotFound,
  missingClientCapability,
  parseError,
  ToolExecutionError,
  unavailable,
  unsupportedProtocolVersion,
} from "./errors.ts";
import { messageKind } from "./json-rpc.ts";
import { META_TOOL_ERROR } from "./meta.ts";

/** Every error that this package builds, with the wire form it must have. */
const built: readonly (readonly [MCPError, number, unknown])[] = [
  [parseError(), -32700, undefined],
  [invalidRequest("no"), -32600, undefined],
  [methodNotFound("x/y"), -32601, undefined],
  [invalidParams("no"), -32602, undefined],
  [invalidParams("no", { uri: "a:b" }), -32602, { uri: "a:b" }],
  [internalError("id-1"), -32603, { correlationId: "id-1" }],
  [headerMismatch("no"), -32020, undefined],
  [missingClientCapability({ sampling: {} }), -32021, { requiredCapabilities: { sampling: {} } }],
  [
    unsupportedProtocolVersion("v1", ["2026-07-28"]),
    -32022,
    { supported: ["2026-07-28"], requested: "v1" },
  ],
  [unavailable("draining", 1000), -1503, { reason: "draining", retryAfterMs: 1000 }],
  [deadlineExceeded("idle", 50), -1504, { deadline: "idle", limitMs: 50 }],
];

describe("error codes", () => {
  it("are those of JSON-RPC and of the SDK", () => {
    expect(ErrorCode).toMatchObject({
      parseError: core.PARSE_ERROR,
      invalidRequest: core.INVALID_REQUEST,
      methodNotFound: core.METHOD_NOT_FOUND,
      invalidParams: core.INVALID_PARAMS,
      internalError: core.INTERNAL_ERROR,
      legacyUrlElicitationRequired: SdkErrorCode.UrlElicitationRequired,
    });
  });

  it("of our own lie outside the range that JSON-RPC reserves", () => {
    for (const name of ["forbidden", "rateLimited", "unavailable", "deadlineExceeded"] as const) {
      expect(ErrorCode[name] < -32768 || ErrorCode[name] > -32000).toBe(true);
    }
    expect(new Set(Object.values(ErrorCode)).size).toBe(Object.keys(ErrorCode).length);
  });
});

describe("the wire form", () => {
  it.each(built)("of %s", (error, code, data) => {
    const wire = error.toErrorObject();
    expect(wire).toEqual({
      code,
      message: error.message,
      ...(data !== undefined && { data }),
    });
    expect(messageKind({ jsonrpc: "2.0", id: 1, error: wire })).toBe("failure");
    expect(JSON.parse(JSON.stringify(wire))).toEqual(wire);
  });

  it("never holds the cause or the stack", () => {
    const error = new MCPError(-1, "shown", { cause: new Error("SECRET") });
    expect(error.cause).toBeInstanceOf(Error);
    expect(JSON.stringify(error.toErrorObject())).toBe('{"code":-1,"message":"shown"}');
  });

  it("keeps what a client sent short", () => {
    const long = "x".repeat(10_000);
    for (const error of [methodNotFound(long), unsupportedProtocolVersion(long, [])]) {
      expect(JSON.stringify(error.toErrorObject()).length).toBeLessThan(400);
    }
    expect(clip("abc", 3)).toBe("abc");
    expect(clip("abcd", 3)).toBe("abc…");
  });

  it("joins a retry time to the data", () => {
    expect(new MCPError(-1, "x", { data: "why", retryAfterMs: 5 }).toErrorObject().data).toEqual({
      detail: "why",
      retryAfterMs: 5,
    });
    expect(new MCPError(-1, "x", { data: { a: 1 }, retryAfterMs: 0 }).toErrorObject().data).toEqual(
      {
        a: 1,
        retryAfterMs: 0,
      },
    );
  });
});

describe("MCPError", () => {
  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, "1" as unknown as number])(
    "refuses the code %s",
    (code) => {
      expect(() => new MCPError(code, "x")).toThrow(TypeError);
    },
  );

  it("is known across copies of the package, and apart from other errors", () => {
    const foreign = Object.assign(Object.create({ [Symbol.for("backplane.MCPError")]: true }), {});
    expect(MCPError.isInstance(foreign)).toBe(true);
    expect(ToolExecutionError.isInstance(foreign)).toBe(false);
    expect(MCPError.isInstance(new ToolExecutionError(-1, "x"))).toBe(true);
    expect(ToolExecutionError.isInstance(new ToolExecutionError(-1, "x"))).toBe(true);
    expect(ToolExecutionError.isInstance(new MCPError(-1, "x"))).toBe(false);
    for (const value of [new Error("x"), null, undefined, "x", { code: 1 }]) {
      expect(MCPError.isInstance(value)).toBe(false);
    }
  });

  it("has a name to tell it by in a log", () => {
    expect(String(new MCPError(-1, "x"))).toBe("MCPError: x");
    expect(String(new ToolExecutionError(-1, "x"))).toBe("ToolExecutionError: x");
  });
});

describe("ToolExecutionError", () => {
  it("is a result that the model can read and a client can rebuild", () => {
    const error = new ToolExecutionError(-1001, "Unknown location", {
      data: { known: ["Seattle"] },
      retryAfterMs: 5,
    });
    expect(error.toResult()).toEqual({
      content: [{ type: "text", text: "Unknown location" }],
      isError: true,
      _meta: {
        [META_TOOL_ERROR]: { code: -1001, retryAfterMs: 5, data: { known: ["Seattle"] } },
      },
    });
    expect(new ToolExecutionError(-1, "x").toResult()._meta).toEqual({
      [META_TOOL_ERROR]: { code: -1 },
    });
  });
});

describe("AuthorizationError", () => {
  it("carries the refusal that HTTP answers with", () => {
    const failure = { status: 403, headers: {}, message: "insufficient scope" } as const;
    const error = new AuthorizationError(failure);
    expect(MCPError.isInstance(error)).toBe(true);
    expect(error.failure).toBe(failure);
    expect(error.toErrorObject()).toEqual({ code: ErrorCode.forbidden, message: failure.message });
  });

  it("is told from other errors across copies of the package", () => {
    const failure = { status: 403, headers: {}, message: "insufficient scope" } as const;
    const foreign = Object.defineProperty({}, Symbol.for("backplane.AuthorizationError"), {});
    expect(AuthorizationError.isInstance(foreign)).toBe(true);
    expect(AuthorizationError.isInstance(new AuthorizationError(failure))).toBe(true);
    expect(AuthorizationError.isInstance(new MCPError(ErrorCode.forbidden, "no"))).toBe(false);
    expect(AuthorizationError.isInstance(undefined)).toBe(false);
  });
});
