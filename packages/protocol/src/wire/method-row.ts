import type { ServerCapabilities } from "../types/peers.ts";

/** What an era says about one method that a client may send. */
export interface MethodRow {
  readonly kind: "request" | "notification";
  /** The server capability without which the method does not exist. */
  readonly capability?: keyof ServerCapabilities;
  /** The member of `params` that names the primitive, mirrored in `Mcp-Name` in the modern era. */
  readonly targetMember?: "name" | "uri";
  /** The result carries `ttlMs` and `cacheScope` in the modern era. */
  readonly cacheable?: true;
  /** The handler may ask the client for input. */
  readonly mayAsk?: true;
}

/** The methods of an era by name. */
export type MethodTable = ReadonlyMap<string, MethodRow>;

/** The rows that both eras share, by name. */
export const SHARED_METHODS: readonly (readonly [string, MethodRow])[] = [
  ["tools/list", { kind: "request", capability: "tools", cacheable: true }],
  ["tools/call", { kind: "request", capability: "tools", targetMember: "name", mayAsk: true }],
  ["prompts/list", { kind: "request", capability: "prompts", cacheable: true }],
  ["prompts/get", { kind: "request", capability: "prompts", targetMember: "name", mayAsk: true }],
  ["resources/list", { kind: "request", capability: "resources", cacheable: true }],
  ["resources/templates/list", { kind: "request", capability: "resources", cacheable: true }],
  [
    "resources/read",
    {
      kind: "request",
      capability: "resources",
      targetMember: "uri",
      cacheable: true,
      mayAsk: true,
    },
  ],
  ["completion/complete", { kind: "request", capability: "completions" }],
];
