import { type MethodRow, type MethodTable, SHARED_METHODS } from "../method-row.ts";

/** What a modern client may send (2026-07-28). Everything else is −32601 with HTTP 404. */
export const MODERN_METHODS: MethodTable = new Map<string, MethodRow>([
  ...SHARED_METHODS,
  ["server/discover", { kind: "request", cacheable: true }],
  ["subscriptions/listen", { kind: "request" }],
  ["notifications/cancelled", { kind: "notification" }],
]);
