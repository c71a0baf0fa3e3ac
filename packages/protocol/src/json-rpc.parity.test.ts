import * as core from "@modelcontextprotocol/core";
import * as v1 from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonObject } from "./json.ts";
import { type MessageKind, messageKind } from "./json-rpc.ts";

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 2000), seed: 2_0 };

type Members = Record<string, unknown>;

/** A zod schema, as far as this test needs one; the two SDKs type theirs differently. */
interface Judge {
  safeParse(value: unknown): { readonly success: boolean };
}

interface Judges {
  readonly JSONRPCRequestSchema: Judge;
  readonly JSONRPCNotificationSchema: Judge;
  readonly JSONRPCResultResponseSchema: Judge;
  readonly JSONRPCErrorResponseSchema: Judge;
}

const sdks: readonly (readonly [string, Judges])[] = [
  ["@modelcontextprotocol/sdk (v1)", v1],
  ["@modelcontextprotocol/core (v2)", core],
];

function sdkKind(judges: Judges, value: unknown): MessageKind {
  const kinds: MessageKind[] = [];
  if (judges.JSONRPCRequestSchema.safeParse(value).success) kinds.push("request");
  if (judges.JSONRPCNotificationSchema.safeParse(value).success) kinds.push("notification");
  if (judges.JSONRPCResultResponseSchema.safeParse(value).success) kinds.push("result");
  if (judges.JSONRPCErrorResponseSchema.safeParse(value).success) kinds.push("failure");
  expect(kinds.length).toBeLessThan(2);
  return kinds[0] ?? "invalid";
}

/** A deliberate difference: the SDK refuses `example` and we call it `kind`. */
interface Difference {
  readonly what: string;
  readonly reason: string;
  readonly kind: MessageKind;
  readonly example: Members;
  /** Takes the difference out of a message, so that both must agree on what is left. */
  repair(message: Members): Members;
}

const RELATED_TASK = "io.modelcontextprotocol/related-task";

const differences: readonly Difference[] = [
  {
    what: "a top-level member that JSON-RPC does not define",
    reason:
      "JSON-RPC 2.0 does not forbid them, and a proxy's annotation should not cost a user the call. " +
      "They are ignored.",
    kind: "request",
    example: { jsonrpc: "2.0", id: 1, method: "ping", traceId: "x" },
    repair(message) {
      const known = ["jsonrpc", "id", "method", "result", "error"];
      if ("method" in message) known.push("params");
      return Object.fromEntries(Object.entries(message).filter(([key]) => known.includes(key)));
    },
  },
  {
    what: "a progress token that is neither string nor integer",
    reason:
      "The message is well-formed JSON-RPC. The codec refuses its params with −32602, which names " +
      "the member, instead of −32600 without one.",
    kind: "request",
    example: { jsonrpc: "2.0", id: 1, method: "ping", params: { _meta: { progressToken: null } } },
    repair: (message) =>
      withoutMeta(
        message,
        "progressToken",
        (token) => typeof token === "string" || Number.isSafeInteger(token),
      ),
  },
  {
    what: "a related-task annotation without a task id",
    reason:
      "Tasks are not offered, so their annotations are unknown `_meta` keys, which are passed over.",
    kind: "notification",
    example: { jsonrpc: "2.0", method: "x", params: { _meta: { [RELATED_TASK]: {} } } },
    repair: (message) =>
      withoutMeta(
        message,
        RELATED_TASK,
        (task) => isJsonObject(task) && typeof task.taskId === "string",
      ),
  },
];

/** `message` without `_meta[key]`, in params and result, where it is not as the SDK wants it. */
function withoutMeta(message: Members, key: string, isFine: (value: unknown) => boolean): Members {
  const repaired = { ...message };
  for (const member of ["params", "result"]) {
    const container = repaired[member];
    if (!isJsonObject(container) || !isJsonObject(container._meta)) continue;
    if (!Object.hasOwn(container._meta, key) || isFine(container._meta[key])) continue;
    const { [key]: _removed, ...meta } = container._meta;
    repaired[member] = { ...container, _meta: meta };
  }
  return repaired;
}

function repairAll(value: unknown): unknown {
  if (!isJsonObject(value)) return value;
  return differences.reduce<Members>((message, { repair }) => repair(message), value);
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, 1.5, -0, 2 ** 53, 1e300, "", "2.0", [], {}, { a: 1 }),
  fc.jsonValue({ maxDepth: 2 }),
);
/** Mostly right, sometimes not. */
const mostly = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: right, weight: 8 }, { arbitrary: junk, weight: 1 });

const id = fc.oneof(fc.string({ maxLength: 4 }), fc.integer(), fc.maxSafeInteger());
const meta = fc.record(
  {
    progressToken: mostly(id),
    [RELATED_TASK]: mostly(fc.record({ taskId: fc.string() })),
    traceparent: fc.string(),
    ["__proto__"]: junk,
    "io.modelcontextprotocol/serverInfo": junk,
  },
  { requiredKeys: [] },
);
const container = fc.record(
  { _meta: mostly(meta), name: junk, content: junk },
  { requiredKeys: [] },
);
const error = fc.record(
  { code: mostly(fc.integer()), message: mostly(fc.string()), data: junk, extra: junk },
  { requiredKeys: [] },
);

/** A message of one kind, from which members may be missing and to which foreign ones may be added. */
function messageOf(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Members> {
  const base = fc.record({ jsonrpc: mostly(fc.constant("2.0")), ...members });
  const names = ["jsonrpc", "id", "method", "params", "result", "error", "extra", "__proto__"];
  const mutation = fc.oneof(
    { arbitrary: fc.constant((message: Members) => message), weight: 4 },
    {
      arbitrary: fc.constantFrom(...names).map((name) => (message: Members) => {
        const { [name]: _removed, ...rest } = message;
        return rest;
      }),
      weight: 2,
    },
    {
      arbitrary: fc
        .tuple(fc.constantFrom(...names), fc.oneof(id, container, error, junk))
        .map(([name, value]) => (message: Members) => ({ ...message, [name]: value })),
      weight: 3,
    },
  );
  return fc.tuple(base, mutation).map(([message, mutate]) => mutate(message as Members));
}

const method = mostly(fc.constantFrom("tools/call", "initialize", "notifications/progress", "x"));
const values = fc
  .oneof(
    { arbitrary: messageOf({ id: mostly(id), method, params: mostly(container) }), weight: 6 },
    { arbitrary: messageOf({ id: mostly(id), method }), weight: 2 },
    { arbitrary: messageOf({ method, params: mostly(container) }), weight: 4 },
    { arbitrary: messageOf({ id: mostly(id), result: mostly(container) }), weight: 6 },
    { arbitrary: messageOf({ id: mostly(id), error: mostly(error) }), weight: 6 },
    { arbitrary: messageOf({ error: mostly(error) }), weight: 2 },
    { arbitrary: fc.jsonValue(), weight: 1 },
  )
  // What arrives was parsed from text; no other value can reach the guard.
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);

describe.each(sdks)("messageKind and the schemas of %s", (_, judges) => {
  it("agree on every message, but for the deliberate differences", () => {
    const seen = new Map<MessageKind, number>();
    fc.assert(
      fc.property(values, (value) => {
        const ours = messageKind(value);
        seen.set(ours, (seen.get(ours) ?? 0) + 1);
        const repaired = repairAll(value);
        expect(messageKind(repaired)).toBe(ours);
        expect(sdkKind(judges, repaired), JSON.stringify(value)).toBe(ours);
      }),
      RUNS,
    );
    // A comparison of refusals alone would prove little.
    for (const kind of ["request", "notification", "result", "failure", "invalid"] as const) {
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(RUNS.numRuns / 50);
    }
  });

  it.each(differences)("differ on $what", ({ example, kind, reason, repair }) => {
    expect(messageKind(example)).toBe(kind);
    expect(sdkKind(judges, example)).toBe("invalid");
    expect(sdkKind(judges, repair(example))).toBe(kind);
    expect(reason).not.toBe("");
  });
});
