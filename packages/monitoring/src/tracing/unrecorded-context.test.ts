import { createContextKey, propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { expect, it } from "vitest";
import { UnrecordedContext } from "./unrecorded-context.ts";

const OTHER = createContextKey("other");
const NEW = createContextKey("new");

it("stands above another context as one that trace.setSpan made", () => {
  const baggage = propagation.createBaggage({ tenant: { value: "acme" } });
  const below = propagation.setBaggage(ROOT_CONTEXT, baggage).setValue(OTHER, 1);
  const context = new UnrecordedContext(below);
  const span = trace.getSpan(context);
  expect(span?.isRecording()).toBe(false);
  expect(trace.getSpan(context)).toBe(span);
  expect(propagation.getBaggage(context)).toBe(baggage);
  const changed = context.setValue(NEW, 2);
  expect([changed.getValue(NEW), changed.getValue(OTHER)]).toEqual([2, 1]);
  expect(context.getValue(NEW)).toBeUndefined();
  expect(trace.getSpan(changed)).toBe(span);
  const without = context.deleteValue(OTHER);
  expect(without.getValue(OTHER)).toBeUndefined();
  expect(context.getValue(OTHER)).toBe(1);
  expect(trace.getSpan(without)).toBe(span);
});

it("gives way to a span that is set or deleted", () => {
  const context = new UnrecordedContext(ROOT_CONTEXT);
  const ids = { traceId: "1".repeat(32), spanId: "2".repeat(16), traceFlags: 1 };
  expect(trace.getSpanContext(trace.setSpanContext(context, ids))).toBe(ids);
  expect(trace.getSpan(trace.deleteSpan(context))).toBeUndefined();
});

it("has ids that are valid, its own, and made once", () => {
  const [first, second] = [0, 1].map(() =>
    trace.getSpanContext(new UnrecordedContext(ROOT_CONTEXT)),
  );
  expect(first?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(first?.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(first?.traceFlags).toBe(0);
  expect(second?.traceId).not.toBe(first?.traceId);
  const context = new UnrecordedContext(ROOT_CONTEXT);
  expect(trace.getSpanContext(context)).toBe(trace.getSpanContext(context));
});
