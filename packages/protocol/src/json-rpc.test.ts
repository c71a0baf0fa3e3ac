import { describe, expect, it } from "vitest";
import { isRequestId, type MessageKind, messageKind, salvageId } from "./json-rpc.ts";

const rpc = { jsonrpc: "2.0" } as const;

const verdicts: readonly (readonly [MessageKind, unknown])[] = [
  ["request", { ...rpc, id: 1, method: "ping" }],
  ["request", { ...rpc, id: "", method: "" }],
  ["request", { ...rpc, id: -1, method: "tools/call", params: { name: "x", _meta: {} } }],
  ["request", { ...rpc, id: 1, method: "ping", extra: true }],
  ["notification", { ...rpc, method: "notifications/cancelled", params: { requestId: 1 } }],
  ["notification", { ...rpc, method: "notifications/initialized" }],
  ["result", { ...rpc, id: 1, result: {} }],
  ["result", { ...rpc, id: "a", result: { _meta: { a: 1 }, content: [] } }],
  ["failure", { ...rpc, id: 1, error: { code: -32601, message: "" } }],
  ["failure", { ...rpc, error: { code: -32700, message: "x", data: null } }],
  // Not JSON-RPC 2.0 at all.
  ["invalid", null],
  ["invalid", []],
  ["invalid", "ping"],
  ["invalid", {}],
  ["invalid", { id: 1, method: "ping" }],
  ["invalid", { jsonrpc: 2, id: 1, method: "ping" }],
  ["invalid", { jsonrpc: "1.0", id: 1, method: "ping" }],
  ["invalid", rpc],
  // Ids: never null (spec: basic/index), never fractional or beyond what JSON carries exactly.
  ["invalid", { ...rpc, id: null, method: "ping" }],
  ["invalid", { ...rpc, id: 1.5, method: "ping" }],
  ["invalid", { ...rpc, id: 2 ** 53, method: "ping" }],
  ["invalid", { ...rpc, id: {}, method: "ping" }],
  ["invalid", { ...rpc, result: {} }],
  ["invalid", { ...rpc, id: null, result: {} }],
  ["invalid", { ...rpc, id: null, error: { code: 1, message: "" } }],
  // Members of the wrong type.
  ["invalid", { ...rpc, id: 1, method: 1 }],
  ["invalid", { ...rpc, id: 1, method: "ping", params: [] }],
  ["invalid", { ...rpc, id: 1, method: "ping", params: null }],
  ["invalid", { ...rpc, id: 1, method: "ping", params: { _meta: 1 } }],
  ["invalid", { ...rpc, id: 1, method: "ping", params: { _meta: [] } }],
  ["invalid", { ...rpc, id: 1, result: null }],
  ["invalid", { ...rpc, id: 1, result: [] }],
  ["invalid", { ...rpc, id: 1, result: { _meta: null } }],
  ["invalid", { ...rpc, id: 1, error: null }],
  ["invalid", { ...rpc, id: 1, error: { code: "1", message: "" } }],
  ["invalid", { ...rpc, id: 1, error: { code: 1.5, message: "" } }],
  ["invalid", { ...rpc, id: 1, error: { code: 1 } }],
  // Two kinds at once.
  ["invalid", { ...rpc, id: 1, method: "ping", result: {} }],
  ["invalid", { ...rpc, id: 1, method: "ping", error: { code: 1, message: "" } }],
  ["invalid", { ...rpc, id: 1, result: {}, error: { code: 1, message: "" } }],
];

describe("messageKind", () => {
  it.each(verdicts)("%s: %j", (kind, value) => {
    const before = JSON.stringify(value);
    expect(messageKind(value)).toBe(kind);
    expect(JSON.stringify(value)).toBe(before);
  });

  it("looks at what the message itself holds, not at what it may inherit", () => {
    const parsed: unknown = JSON.parse('{"__proto__":{"jsonrpc":"2.0","method":"ping"},"id":1}');
    expect(messageKind(parsed)).toBe("invalid");
  });
});

describe("ids", () => {
  it("are strings and safe integers", () => {
    for (const id of ["", "a", 0, -1, Number.MAX_SAFE_INTEGER]) expect(isRequestId(id)).toBe(true);
    for (const id of [null, undefined, 0.5, 2 ** 53, Number.NaN, true, {}, []]) {
      expect(isRequestId(id)).toBe(false);
    }
  });

  it("are salvaged from a broken message where they can be", () => {
    expect(salvageId({ id: "a", method: 7 })).toBe("a");
    for (const value of [null, 1, [{ id: 1 }], {}, { id: null }, { id: 1.5 }]) {
      expect(salvageId(value)).toBeUndefined();
    }
  });
});
