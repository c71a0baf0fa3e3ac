import type { SampleParams, SamplingContent, SamplingMessage } from "@backplane/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prepareSample } from "./sampling-ask.ts";

const asked = {
  revision: "2026-07-28",
  capabilities: { sampling: { tools: {}, context: {} } },
} as const;

const text = (value: string): SamplingContent => ({ type: "text", text: value });
const use = (id: string): SamplingContent => ({ type: "tool_use", id, name: "t", input: {} });
const result = (toolUseId: string): SamplingContent => ({
  type: "tool_result",
  toolUseId,
  content: [],
});
const user = (...content: SamplingContent[]): SamplingMessage => ({ role: "user", content });
const assistant = (...content: SamplingContent[]): SamplingMessage => ({
  role: "assistant",
  content,
});

function prepare(messages: readonly unknown[], more: Partial<SampleParams> = {}) {
  return prepareSample({ messages: messages as SamplingMessage[], maxTokens: 9, ...more }, asked);
}

describe("the messages of a sampling request", () => {
  it.each([
    ["text", [user(text("a"))]],
    ["content that is no list", [{ role: "user", content: text("a") }]],
    ["a tool use and its result", [user(text("a")), assistant(use("1")), user(result("1"))]],
    [
      "results in another order",
      [assistant(text("a"), use("1"), use("2")), user(result("2"), result("1"))],
    ],
    [
      "several turns",
      [assistant(use("1")), user(result("1")), assistant(use("1")), user(result("1"))],
    ],
    ["media", [user({ type: "image", data: "", mimeType: "image/png" })]],
  ])("may hold %s", (_case, messages) => {
    expect(prepare(messages).params).toMatchObject({ messages, maxTokens: 9 });
  });

  it.each([
    ["no message", [], "at least one message"],
    ["no role", [{ content: text("a") }], "messages[0]"],
    ["no content", [{ role: "user" }], "messages[0]"],
    ["an empty list", [user()], "messages[0]"],
    ["a null among the content", [{ role: "user", content: [null] }], "messages[0]"],
    [
      "a block of an unknown type",
      [{ role: "user", content: { type: "toString" } }],
      "messages[0]",
    ],
    ["a null message", [null], "messages[0]"],
    ["a use without result", [assistant(use("1"))], "does not follow"],
    ["a use answered by text", [assistant(use("1")), user(text("a"))], "messages[1]"],
    ["a result beside text", [assistant(use("1")), user(result("1"), text("a"))], "stand alone"],
    ["a result for another use", [assistant(use("1")), user(result("2"))], "messages[1]"],
    ["a result that nothing asked for", [user(result("1"))], "messages[0]"],
    ["one of two results", [assistant(use("1"), use("2")), user(result("1"))], "(1, 2)"],
    ["a result given twice", [assistant(use("1")), user(result("1"), result("1"))], "messages[1]"],
    [
      "two uses with one id",
      [assistant(use("1"), use("1")), user(result("1"), result("1"))],
      "[1]",
    ],
    ["a result by the assistant", [assistant(use("1")), assistant(result("1"))], "user message"],
    ["a tool use by the user", [user(use("1")), user(result("1"))], "only the assistant"],
    [
      "a result one message too late",
      [assistant(use("1")), user(text("a")), user(result("1"))],
      "messages[1]",
    ],
  ])("may not hold %s", (_case, messages, says) => {
    expect(() => prepare(messages)).toThrow(TypeError);
    expect(() => prepare(messages)).toThrow(says);
  });

  it.each([0, -1, 1.5, Number.NaN, undefined])("may not come with maxTokens %s", (maxTokens) => {
    expect(() => prepare([user(text("a"))], { maxTokens: maxTokens as number })).toThrow(
      "maxTokens",
    );
  });

  it("hold several blocks in no revision before 2025-11-25: they become messages", () => {
    const { params } = prepareSample(
      { messages: [user(text("a"), text("b")), assistant(text("c"))], maxTokens: 9 },
      { revision: "2025-06-18", capabilities: { sampling: {} } },
    );
    expect(params).toMatchObject({
      messages: [
        { role: "user", content: text("a") },
        { role: "user", content: text("b") },
        { role: "assistant", content: text("c") },
      ],
    });
  });
});

describe("a capability", () => {
  const messages = [user(text("a"))];
  it.each([
    [{}, { messages }, { sampling: {} }],
    [{ sampling: {} }, { messages, tools: [] }, { sampling: { tools: {} } }],
    [{ sampling: {} }, { messages, toolChoice: {} }, { sampling: { tools: {} } }],
    [
      { sampling: {} },
      { messages: [assistant(use("1")), user(result("1"))] },
      { sampling: { tools: {} } },
    ],
    [
      { sampling: {} },
      { messages, includeContext: "allServers" as const },
      { sampling: { context: {} } },
    ],
  ])("of %j is not enough for %j", (capabilities, params, requiredCapabilities) => {
    expect(() => prepareSample({ maxTokens: 9, ...params }, { ...asked, capabilities })).toThrow(
      expect.objectContaining({ code: -32021, data: { requiredCapabilities } }),
    );
  });

  it("for context is not known to older revisions, which need none", () => {
    const params = { messages, maxTokens: 9, includeContext: "thisServer" } as const;
    const older = { revision: "2025-06-18", capabilities: { sampling: {} } } as const;
    expect(prepareSample(params, older).params).toMatchObject({ includeContext: "thisServer" });
  });
});

describe("a model's answer", () => {
  const { parse } = prepare([user(text("a"))]);
  const good = { role: "assistant", model: "m", content: text("b"), stopReason: "endTurn" };

  it.each([
    [good],
    [{ ...good, content: [text("b"), use("1")], stopReason: undefined }],
    [{ ...good, content: { type: "audio", data: "", mimeType: "audio/wav" } }],
  ])("is taken as %j", (answer) => {
    expect(parse(answer)).toEqual({ value: answer });
  });

  it.each([
    [null],
    ["b"],
    [{ ...good, role: "system" }],
    [{ ...good, model: undefined }],
    [{ ...good, stopReason: 1 }],
    [{ ...good, content: "b" }],
    [{ ...good, content: { type: "text" } }],
    [{ ...good, content: { type: "image", data: "" } }],
    [{ ...good, content: [text("b"), { type: "tool_use", id: "1", name: "t" }] }],
    [{ ...good, content: { type: "tool_result", toolUseId: "1" } }],
    [{ ...good, content: { type: "__proto__" } }],
  ])("is refused as %j", (answer) => {
    expect(parse(answer)).toEqual({ reason: expect.any(String) });
  });

  it("of any JSON is judged without a throw", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (answer) => {
        expect(parse(answer)).toBeTypeOf("object");
      }),
      { numRuns: 300 },
    );
  });
});
