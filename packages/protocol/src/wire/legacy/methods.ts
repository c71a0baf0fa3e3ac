import { type MethodRow, type MethodTable, SHARED_METHODS } from "../method-row.ts";

/** What a legacy client may send (2025-11-25 and older). */
export const LEGACY_METHODS: MethodTable = new Map<string, MethodRow>([
  ...SHARED_METHODS,
  ["initialize", { kind: "request" }],
  ["ping", { kind: "request" }],
  ["logging/setLevel", { kind: "request", capability: "logging" }],
  ["resources/subscribe", { kind: "request", capability: "resources", targetMember: "uri" }],
  ["resources/unsubscribe", { kind: "request", capability: "resources", targetMember: "uri" }],
  ["notifications/initialized", { kind: "notification" }],
  ["notifications/cancelled", { kind: "notification" }],
  ["notifications/progress", { kind: "notification" }],
  ["notifications/roots/list_changed", { kind: "notification" }],
]);
