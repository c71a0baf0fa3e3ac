import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { prepareElicit, prepareRoots } from "./asks.ts";

const asked = {
  revision: "2026-07-28",
  capabilities: { elicitation: { form: {}, url: {} }, roots: {} },
} as const;
const message = "Please";

describe("an ask", () => {
  it.each([
    [undefined, "message"],
    [{}, "message"],
    [{ message: "", url: "https://a.example" }, "message"],
    [{ message }, 'either "schema"'],
    [{ message, url: "https://a.example", schema: z.object({}) }, 'either "schema"'],
  ])("may not be %j", (ask, says) => {
    expect(() => prepareElicit(ask as never, asked)).toThrow(TypeError);
    expect(() => prepareElicit(ask as never, asked)).toThrow(says);
  });
});

describe("a page to open", () => {
  it.each([
    "https://a.example/x?y#z",
    "http://localhost:1/x",
    "http://127.0.0.1/",
    "http://[::1]:8080/",
  ])("may be %s", (url) => {
    expect(prepareElicit({ message, url }, asked).params).toEqual({ mode: "url", message, url });
  });

  it.each([
    "http://a.example/",
    "http://localhost.a.example/",
    "http://127.0.0.1.a.example/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "/relative",
    "",
    7,
    "https://user@a.example/",
    "https://user:secret@a.example/",
    "https://:secret@a.example/",
  ])("may not be %s", (url) => {
    expect(() => prepareElicit({ message, url: url as string }, asked)).toThrow(TypeError);
  });

  it("is answered by an action alone", () => {
    const { parse } = prepareElicit({ message, url: "https://a.example" }, asked);
    expect(parse({ action: "accept", content: { secret: 1 } })).toEqual({
      value: { action: "accept" },
    });
  });
});

describe("an answer to a form", () => {
  const { parse } = prepareElicit({ message, schema: z.object({ x: z.number() }) }, asked);

  it("keeps its _meta, and its content only when accepted", async () => {
    const content = { x: 1 };
    expect(await parse({ action: "accept", content, _meta: { a: 1 } })).toEqual({
      value: { action: "accept", content, _meta: { a: 1 } },
    });
    expect(await parse({ action: "decline", content })).toEqual({ value: { action: "decline" } });
  });

  it("without content is one with nothing filled in", async () => {
    const optional = z.object({ x: z.number().default(3) });
    const form = prepareElicit({ message, schema: optional }, asked);
    expect(await form.parse({ action: "accept" })).toEqual({
      value: { action: "accept", content: { x: 3 } },
    });
    expect((await parse({ action: "accept" })).reason).toContain("x:");
  });

  it("that waits for its schema is waited for", async () => {
    const schema = z.object({ x: z.number().refine(async (x) => x > 1) });
    const form = prepareElicit({ message, schema }, asked);
    expect((await form.parse({ action: "accept", content: { x: 1 } })).reason).toBeDefined();
    expect((await form.parse({ action: "accept", content: { x: 2 } })).reason).toBeUndefined();
  });

  it("of any JSON is judged without a throw", async () => {
    const hostile = fc.oneof(
      fc.jsonValue(),
      fc.record({ action: fc.jsonValue(), content: fc.jsonValue(), _meta: fc.jsonValue() }),
      fc.record({ action: fc.constant("accept"), content: fc.jsonValue() }),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (answer) => {
        expect(await parse(answer)).toBeTypeOf("object");
      }),
      { numRuns: 300 },
    );
  });
});

describe("roots", () => {
  const { parse } = prepareRoots(asked);

  it("are files", () => {
    const roots = [{ uri: "file:///a", name: "A" }, { uri: "file:///b%20c" }];
    expect(parse({ roots })).toEqual({ value: roots });
    expect(parse({ roots: [] })).toEqual({ value: [] });
  });

  it.each([
    [null],
    [{}],
    [{ roots: {} }],
    [{ roots: [null] }],
    [{ roots: [{ uri: "https://a.example" }] }],
    [{ roots: [{ uri: "file://a b:c" }] }],
    [{ roots: [{ uri: 1 }] }],
    [{ roots: [{ uri: "file:///a", name: 1 }] }],
  ])("are not %j", (answer) => {
    expect(parse(answer)).toEqual({ reason: expect.any(String) });
  });
});
