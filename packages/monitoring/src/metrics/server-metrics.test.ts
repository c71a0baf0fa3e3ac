import { CHANNELS, type ProtectedPrimitive, type RequestEndEvent } from "@backplane/protocol";
import { afterEach, expect, it } from "vitest";
import { OTHER } from "./labels.ts";
import { ServerMetrics } from "./server-metrics.ts";

const LOAD = { inFlight: 0, maxInFlight: 1, streams: 0, maxStreams: 1 };
const ALL = { durations: true, targets: true, errors: true, maxTargets: 2 };

let metrics: ServerMetrics | undefined;

afterEach(() => metrics?.close());

function count(options: Partial<typeof ALL> = {}): ServerMetrics {
  metrics = new ServerMetrics({ serverId: "s", load: LOAD }, { ...ALL, ...options });
  return metrics;
}

function registered(name: string, kind: ProtectedPrimitive["kind"] = "tool"): ProtectedPrimitive {
  return { kind, name, scopes: [], roles: [], tags: [] };
}

const MODERN = { method: "tools/call", era: "modern", revision: "2026-07-28" };
const LEGACY = { ...MODERN, era: "legacy", revision: "2025-11-25" };

/** Tells that a request ended, as a server does. */
function ended(
  primitive: ProtectedPrimitive | undefined,
  context: Partial<typeof MODERN> = {},
  event: Partial<RequestEndEvent> = {},
): void {
  CHANNELS.requestEnd.publish({
    serverId: "s",
    context: { ...MODERN, transport: { kind: "http" }, ...context },
    durationMs: 1,
    outcome: "ok",
    primitive,
    ...event,
  } as RequestEndEvent);
}

function counted({ operations }: ServerMetrics): (string | number | undefined)[][] {
  return operations.operations.map(({ method, target, era, count }) => [
    method,
    target?.label,
    era,
    count,
  ]);
}

it("a tool is one however often it is registered anew", () => {
  const metrics = count();
  const first = registered("echo");
  for (const primitive of [first, first, registered("echo"), first]) ended(primitive);
  expect(counted(metrics)).toEqual([["tools/call", "echo", "modern", 4]]);
});

it("the same tool in both eras, by turns", () => {
  const metrics = count();
  const echo = registered("echo");
  for (const context of [MODERN, LEGACY, MODERN, LEGACY, MODERN]) ended(echo, context);
  expect(counted(metrics)).toEqual([
    ["tools/call", "echo", "modern", 3],
    ["tools/call", "echo", "legacy", 2],
  ]);
});

it("a completion for a prompt is none of its requests", () => {
  const metrics = count();
  const review = registered("review", "prompt");
  for (const method of ["prompts/get", "completion/complete", "prompts/get"]) {
    ended(review, { method });
  }
  expect(counted(metrics)).toEqual([
    ["prompts/get", "review", "modern", 2],
    ["completion/complete", undefined, "modern", 1],
  ]);
});

it("what a tool ended with, each time anew", () => {
  const metrics = count();
  const echo = registered("echo");
  ended(echo);
  ended(echo, {}, { outcome: "error", errorCode: -32602 });
  ended(echo, {}, { outcome: "tool_error" });
  ended(echo);
  const [operation] = metrics.operations.operations;
  expect(operation?.series.map(({ way, count }) => [way.errorType, count])).toEqual([
    [undefined, 2],
    ["-32602", 1],
    ["tool_error", 1],
  ]);
});

it("tools beyond the bound, called again and again, and unknown ones are one", () => {
  const metrics = count();
  const tools = ["a", "b", "c", "d"].map((name) => registered(name));
  for (let round = 0; round < 3; round++) for (const tool of [...tools, undefined]) ended(tool);
  expect(counted(metrics)).toEqual([
    ["tools/call", "a", "modern", 3],
    ["tools/call", "b", "modern", 3],
    ["tools/call", OTHER, "modern", 9],
  ]);
});

it("tools together when they are not told apart", () => {
  const metrics = count({ targets: false });
  for (const name of ["a", "b", "a"]) ended(registered(name));
  const same = registered("c");
  for (const context of [MODERN, MODERN, LEGACY]) ended(same, context);
  expect(counted(metrics)).toEqual([
    ["tools/call", undefined, "modern", 5],
    ["tools/call", undefined, "legacy", 1],
  ]);
});
