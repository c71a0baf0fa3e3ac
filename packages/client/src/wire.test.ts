import {
  classifyMessage,
  LEGACY_REVISIONS,
  LOG_LEVELS,
  META_CLIENT_CAPABILITIES,
  META_CLIENT_INFO,
  META_LOG_LEVEL,
  META_PROTOCOL_VERSION,
  MODERN_REVISIONS,
} from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMetaEncoder, encodeNotification, encodeRequest, type RequestMeta } from "./wire.ts";

const clientInfo = { name: 'a "client"', version: "1.0.0" };
const capabilities = { elicitation: { form: {} } };
const NOTHING_OWN: RequestMeta = { meta: undefined, wantsProgress: false, logLevel: undefined };
const modern = createMetaEncoder(clientInfo, capabilities, "2026-07-28");
const legacy = createMetaEncoder(clientInfo, capabilities, "2025-11-25");
const claims = {
  [META_PROTOCOL_VERSION]: "2026-07-28",
  [META_CLIENT_INFO]: clientInfo,
  [META_CLIENT_CAPABILITIES]: capabilities,
};

describe("encodeRequest", () => {
  it("4b.1: a modern request says its version, capabilities and client", () => {
    const text = encodeRequest(7, "tools/call", { name: "x" }, modern, NOTHING_OWN);
    expect(JSON.parse(text)).toEqual({
      jsonrpc: "2.0",
      id: 7,
      method: "tools/call",
      params: { name: "x", _meta: claims },
    });
    expect(classifyMessage(JSON.parse(text), undefined, false).kind).toBe("modern-request");
  });

  it("a legacy request says none of it, and leaves out params that are empty", () => {
    expect(JSON.parse(encodeRequest("a\n", "tools/list", {}, legacy, NOTHING_OWN))).toEqual({
      jsonrpc: "2.0",
      id: "a\n",
      method: "tools/list",
    });
    expect(JSON.parse(encodeRequest(1, "x", { a: 1 }, legacy, NOTHING_OWN))).toEqual({
      jsonrpc: "2.0",
      id: 1,
      method: "x",
      params: { a: 1 },
    });
  });

  it("adds what is the request's own: token, log level, further members", () => {
    const own: RequestMeta = {
      meta: { traceparent: "00-1" },
      wantsProgress: true,
      logLevel: "info",
    };
    expect(JSON.parse(encodeRequest("p", "tools/call", { name: "x" }, modern, own)).params).toEqual(
      {
        name: "x",
        _meta: { ...claims, traceparent: "00-1", progressToken: "p", [META_LOG_LEVEL]: "info" },
      },
    );
    expect(JSON.parse(encodeRequest(5, "tools/call", { name: "x" }, legacy, own)).params).toEqual({
      name: "x",
      _meta: { traceparent: "00-1", progressToken: 5 },
    });
  });

  it("refuses a member that it writes itself", () => {
    for (const key of [...Object.keys(claims), META_LOG_LEVEL, "progressToken"]) {
      const own = { ...NOTHING_OWN, meta: { [key]: "x" } };
      expect(() => encodeRequest(1, "tools/list", {}, modern, own)).toThrow(key);
    }
  });

  it("keeps no more heads than there are methods, whatever a caller sends", () => {
    const encoder = createMetaEncoder(clientInfo, capabilities, "2026-07-28");
    for (let n = 0; n < 1_000; n++) {
      const text = encodeRequest(n, `custom/${n}`, {}, encoder, NOTHING_OWN);
      expect(JSON.parse(text).method).toBe(`custom/${n}`);
    }
    expect(encoder.heads.size).toBeLessThan(100);
  });

  it("what it writes is what JSON.stringify of the whole would be, on one line", () => {
    const meta = fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined });
    const own = fc.record({
      meta,
      wantsProgress: fc.boolean(),
      logLevel: fc.constantFrom(undefined, ...LOG_LEVELS),
    });
    const params = fc.dictionary(
      fc.string().filter((key) => key !== "_meta"),
      fc.jsonValue(),
    );
    const id = fc.oneof(fc.string(), fc.maxSafeInteger());
    const revision = fc.constantFrom(...MODERN_REVISIONS, ...LEGACY_REVISIONS);
    fc.assert(
      fc.property(id, fc.string(), params, own, revision, (id, method, params, own, revision) => {
        const encoder = createMetaEncoder(clientInfo, capabilities, revision);
        const isModern = encoder.members !== "";
        const text = encodeRequest(id, method, params as never, encoder, own as RequestMeta);
        const expected = {
          ...(isModern && { ...claims, [META_PROTOCOL_VERSION]: revision }),
          ...own.meta,
          ...(own.wantsProgress && { progressToken: id }),
          ...(isModern && own.logLevel !== undefined && { [META_LOG_LEVEL]: own.logLevel }),
        };
        const whole = {
          ...params,
          ...(Object.keys(expected).length > 0 && { _meta: expected }),
        };
        expect(text).not.toContain("\n");
        const parsed = JSON.parse(text);
        expect({ ...parsed, params: parsed.params ?? {} }).toEqual(
          JSON.parse(JSON.stringify({ jsonrpc: "2.0", id, method, params: whole })),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe("encodeNotification", () => {
  it("claims its era where it has one to claim", () => {
    expect(JSON.parse(encodeNotification("notifications/initialized", undefined, legacy))).toEqual({
      jsonrpc: "2.0",
      method: "notifications/initialized",
    });
    const params = { requestId: 4 };
    expect(JSON.parse(encodeNotification("notifications/cancelled", params, modern))).toEqual({
      jsonrpc: "2.0",
      method: "notifications/cancelled",
      params: { requestId: 4, _meta: claims },
    });
  });
});
