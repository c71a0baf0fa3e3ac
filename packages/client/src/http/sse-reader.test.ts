import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMessageEvent, type SseEvent, SseReader } from "./sse-reader.ts";

const MAX = 1_000;

interface Read {
  readonly events: readonly SseEvent[];
  readonly lastEventId: string | undefined;
  readonly retryMs: number | undefined;
  readonly fits: boolean;
}

/** Reads `bytes` in pieces that end at the given places. */
function read(bytes: Uint8Array, ends: readonly number[] = []): Read {
  const events: SseEvent[] = [];
  const reader = new SseReader(MAX, (event) => events.push(event));
  let fits = true;
  let from = 0;
  for (const end of [...ends.toSorted((a, b) => a - b), bytes.length]) {
    fits = reader.feed(bytes.subarray(from, end)) && fits;
    from = end;
  }
  const { lastEventId, retryMs } = reader;
  return { events, lastEventId, retryMs, fits };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const readText = (text: string): Read => read(bytesOf(text));

describe("SseReader", () => {
  it.each([
    ["one line", "data: a\n\n", [{ event: undefined, data: "a" }]],
    ["no space", "data:a\n\n", [{ event: undefined, data: "a" }]],
    ["two spaces", "data:  a\n\n", [{ event: undefined, data: " a" }]],
    ["several lines", "data: a\ndata: b\n\n", [{ event: undefined, data: "a\nb" }]],
    [
      "CRLF",
      "data: a\r\n\r\ndata: b\r\n\r\n",
      ["a", "b"].map((data) => ({ event: undefined, data })),
    ],
    ["CR", "data: a\r\rdata: b\r\r:\n", ["a", "b"].map((data) => ({ event: undefined, data }))],
    ["a byte order mark", "\uFEFFdata: a\n\n", [{ event: undefined, data: "a" }]],
    ["a name", "event: message\ndata: a\n\n", [{ event: "message", data: "a" }]],
    ["empty data", "id: 1\ndata:\n\n", [{ event: undefined, data: "" }]],
    [
      "comments and unknown fields",
      ": x\nfoo: 1\nbar\ndata: a\n\n",
      [{ event: undefined, data: "a" }],
    ],
    ["no data", "event: a\n\n", []],
    ["an event without its end", "data: a\n", []],
  ])("reads %s", (_what, text, expected) => {
    expect(readText(text).events).toEqual(expected);
  });

  it.each([
    ["the last one", "id: a\ndata: 1\n\nid: b\ndata: 2\n\n", "b"],
    ["of an event before", "id: a\ndata: 1\n\ndata: 2\n\n", "a"],
    ["of a priming event", "id: a\ndata:\n\n", "a"],
    ["taken back", "id: a\ndata: 1\n\nid\ndata: 2\n\n", undefined],
    ["with NULL, which is ignored", "id: a\ndata: 1\n\nid: b\0c\ndata: 2\n\n", "a"],
    ["not yet complete", "id: a\ndata: 1\n\nid: b\n", "a"],
    ["that no header can carry", "id: ä\ndata: 1\n\n", undefined],
    ["that is too long", `id: ${"a".repeat(1_025)}\ndata: 1\n\n`, undefined],
  ])("keeps the id %s", (_what, text, expected) => {
    expect(readText(text).lastEventId).toBe(expected);
  });

  it.each([
    ["retry: 500\n", 500],
    ["retry: 0\n\n", 0],
    ["retry: 1\nretry: 2\n", 2],
    ["retry: 1\nretry: soon\n", 1],
    ["retry: -1\n", undefined],
    ["retry:\n", undefined],
  ])("reads %j", (text, expected) => {
    expect(readText(text).retryMs).toBe(expected);
  });

  it("goes on from a cursor", () => {
    const reader = new SseReader(MAX, () => {}, { lastEventId: "a", retryMs: 5 });
    expect(reader).toMatchObject({ lastEventId: "a", retryMs: 5 });
  });

  it.each([
    ["data in one line", `data: ${"a".repeat(MAX + 1)}\n\n`],
    ["data in many lines", `${"data: 12345678\n".repeat(200)}\n`],
    ["a comment without end", `:${"a".repeat(MAX + 1)}`],
    ["a field name without end", "a".repeat(MAX + 1)],
  ])("refuses %s past the limit, however it arrives", (_what, text) => {
    const bytes = bytesOf(`data: ok\n\n${text}\n\ndata: late\n\n`);
    const bytewise = Array.from(bytes, (_, index) => index);
    expect(read(bytes, bytewise)).toMatchObject({ events: [{ data: "ok" }], fits: false });
  });

  it("says nothing after it was stopped, in the middle of a chunk too", () => {
    const events: SseEvent[] = [];
    const reader = new SseReader(MAX, (event) => {
      events.push(event);
      reader.stop();
    });
    expect(reader.feed(bytesOf("data: 1\n\ndata: 2\n\n"))).toBe(true);
    expect(reader.feed(bytesOf("data: 3\n\n"))).toBe(true);
    expect(events).toHaveLength(1);
  });

  it("reads the same whatever the chunks", () => {
    const newline = fc.constantFrom("\n", "\r\n", "\r");
    const field = fc.oneof(
      fc.constantFrom(
        "data: €𝄞",
        "data:",
        "data",
        "id: 7",
        "id: a\0b",
        "id",
        "event: x",
        "retry: 9",
        ":c",
      ),
      fc
        .string({ unit: "grapheme", maxLength: 12 })
        .map((text) => `data: ${text.replace(/[\r\n]/g, "")}`),
    );
    const line = fc.tuple(fc.oneof(field, fc.constant("")), newline).map((parts) => parts.join(""));
    const text = fc.array(line, { maxLength: 30 }).map((lines) => lines.join(""));
    const places = fc.array(fc.nat(), { maxLength: 12 });
    fc.assert(
      fc.property(text, places, (whole, numbers) => {
        // A CR at the very end may be half of a CRLF: what it ends is not known yet.
        const bytes = bytesOf(`${whole}\n:`);
        const ends = numbers.map((number) => number % (bytes.length + 1));
        expect(read(bytes, ends)).toEqual(read(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it("knows which events carry a message", () => {
    expect(isMessageEvent({ event: undefined, data: "{}" })).toBe(true);
    expect(isMessageEvent({ event: "message", data: "{}" })).toBe(true);
    expect(isMessageEvent({ event: "ping", data: "{}" })).toBe(false);
    expect(isMessageEvent({ event: undefined, data: "" })).toBe(false);
  });
});
