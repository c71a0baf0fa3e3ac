import type { Logger, RequestContext } from "@backplane/protocol";
import { expect, it } from "vitest";
import { requestLogger } from "./request-logger.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

function logged(context: object, fields: object = {}): object[] {
  const lines: object[] = [];
  const keep = (level: string) => (line: object, message: string) =>
    void lines.push({ level, message, ...line });
  const logger: Logger = {
    debug: keep("debug"),
    info: keep("info"),
    warn: keep("warn"),
    error: keep("error"),
  };
  const own = requestLogger(logger, {
    correlationId: "c",
    method: "tools/call",
    meta: {},
    ...context,
  } as RequestContext);
  for (const level of ["debug", "info", "warn", "error"] as const) own[level](fields as never, "m");
  return lines;
}

it("says which request a line belongs to, at every level", () => {
  const about = { correlationId: "c", method: "tools/call", message: "m", a: 1 };
  expect(logged({}, { a: 1 })).toEqual(
    ["debug", "info", "warn", "error"].map((level) => ({ ...about, level })),
  );
  expect(logged({ principal: { id: "alice", claims: {} } })[0]).toMatchObject({
    principal: "alice",
  });
});

it("lets no field stand for what the line says of its request", () => {
  const forged = { correlationId: "x", method: "ping", principal: "root", traceId: "x" };
  const about = { correlationId: "c", method: "tools/call", principal: "alice", traceId: TRACE };
  const meta = { traceparent: `00-${TRACE}-${SPAN}-01` };
  for (const line of logged({ principal: { id: "alice" }, meta }, forged)) {
    expect(line).toMatchObject(about);
  }
});

it.each([
  [`00-${TRACE}-${SPAN}-01`, TRACE],
  [`cc-${TRACE}-${SPAN}-01-what-a-later-version-adds`, TRACE],
  [`00-${"0".repeat(32)}-${SPAN}-01`, undefined],
  [`00-${TRACE}-${"0".repeat(16)}-01`, undefined],
  [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
  ["\n\u001b[31m", undefined],
  [{}, undefined],
  [undefined, undefined],
])("reads the trace of %j", (traceparent, traceId) => {
  expect(logged({ meta: { traceparent } })[0]).toEqual({
    level: "debug",
    message: "m",
    correlationId: "c",
    method: "tools/call",
    ...(traceId !== undefined && { traceId, parentSpanId: SPAN }),
  });
});
