import * as core from "@modelcontextprotocol/core/internal";
import { expect, it } from "vitest";
import * as meta from "./meta.ts";

it("the reserved _meta keys are those of the SDK", () => {
  expect({
    ...meta,
    META_TOOL_ERROR: undefined,
    META_WORKFLOW: undefined,
  }).toEqual({
    META_PROTOCOL_VERSION: core.PROTOCOL_VERSION_META_KEY,
    META_CLIENT_CAPABILITIES: core.CLIENT_CAPABILITIES_META_KEY,
    META_CLIENT_INFO: core.CLIENT_INFO_META_KEY,
    META_LOG_LEVEL: core.LOG_LEVEL_META_KEY,
    META_SERVER_INFO: core.SERVER_INFO_META_KEY,
    META_SUBSCRIPTION_ID: core.SUBSCRIPTION_ID_META_KEY,
    TRACE_KEYS: [core.TRACEPARENT_META_KEY, core.TRACESTATE_META_KEY, core.BAGGAGE_META_KEY],
  });
});

it.each([meta.META_TOOL_ERROR, meta.META_WORKFLOW])(
  "our own _meta key %s has a prefix that the protocol does not reserve",
  (key) => {
    // A prefix is reserved when its second label is one of these (spec: basic/index).
    const [prefix = "", name = ""] = key.split("/");
    expect(["modelcontextprotocol", "mcp"]).not.toContain(prefix.split(".")[1]);
    expect(name).not.toBe("");
  },
);
