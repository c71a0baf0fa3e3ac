import { afterEach, describe, expect, it, vi } from "vitest";
import type { MCPServer } from "../mcp-server.ts";
import { callTool, HttpRigs, type Mount, modernCall } from "./http-rig.test-support.ts";
import { type RawResponse, RawSession, send } from "./raw-client.test-support.ts";

const HOSTILE = `"\\\n\u0000ü€\ud83d\ude00 \ud83d and \ude00\u2028`;
/** Several pieces of every kind, of a length that none of their sizes divides. */
const LARGE_TEXT = HOSTILE.repeat(50_021);
const PAYLOAD_BYTES = 20 * 1024 * 1024 + 1;

/** Bytes that count how often a part of them is taken. */
class CountedBytes extends Uint8Array {
  static taken = 0;

  override subarray(begin?: number, end?: number): Uint8Array<ArrayBuffer> {
    CountedBytes.taken++;
    return new Uint8Array(this.buffer as ArrayBuffer).subarray(begin, end);
  }
}

const payload = CountedBytes.from({ length: PAYLOAD_BYTES }, (_, index) => (index * 31) >>> 5);
const payloadInBase64 = Buffer.from(payload.buffer as ArrayBuffer).toString("base64");

function addLarge(server: MCPServer, body: Uint8Array): void {
  const content = [
    { type: "text" as const, text: LARGE_TEXT },
    { type: "text" as const, text: "small" },
  ];
  server.tool("large", {}, () => content);
  server.tool("slow_large", {}, async (_args, context) => {
    context.progress(1);
    return content;
  });
  server.addResourceProvider(
    {
      name: "payload",
      locate: (uri) => (uri.startsWith("payload://") ? uri : undefined),
      list: async () => ({ resources: [] }),
      read: async () => ({ body, mimeType: "application/x-payload" }),
    },
    { maxBytes: 2 * PAYLOAD_BYTES },
  );
}

function read(url: string): Promise<RawResponse> {
  const { headers, message } = modernCall("large");
  const { params } = message as { params: { _meta: object } };
  const uri = "payload://x";
  return send(
    url,
    "POST",
    { ...headers, "mcp-method": "resources/read", "mcp-name": uri },
    { ...message, method: "resources/read", params: { uri, _meta: params._meta } },
  );
}

/** The members that every result of a modern call begins with, as they came. */
function withoutFrame(text: string): string {
  return text.slice(text.indexOf(',"content'), text.length - 2);
}

/** What holds for answers of many megabytes, whatever serves them. */
export function largeAnswersSuite(mount: Mount): void {
  const rigs = new HttpRigs(mount);
  afterEach(() => rigs.close());

  async function open(body: Uint8Array = payload) {
    const rig = await rigs.open();
    addLarge(rig.server, body);
    CountedBytes.taken = 0;
    return rig;
  }

  describe("large answers", () => {
    const text = JSON.stringify(LARGE_TEXT);
    const content = `,"content":[{"type":"text","text":${text}},{"type":"text","text":"small"}]`;

    it("are the JSON that they always were", async () => {
      const { url } = await open();
      const response = await callTool(url, "large");
      expect(response.status).toBe(200);
      expect(response.headers["content-type"]).toBe("application/json");
      expect(withoutFrame(await response.text()) === content).toBe(true);
    });

    it("of bytes are their base64", async () => {
      const { url } = await open();
      const body = await (await read(url)).text();
      const contents = `,"contents":[{"uri":"payload://x","mimeType":"application/x-payload","blob":"`;
      expect(withoutFrame(body) === `${contents}${payloadInBase64}"}]`).toBe(true);
    });

    it("end a stream as one event", async () => {
      const { url } = await open();
      const response = await callTool(url, "slow_large", {}, { progressToken: "p" });
      await response.next("notifications/progress");
      const event = await response.nextEvent();
      expect(withoutFrame(event?.data ?? "") === content).toBe(true);
      expect(await response.nextEvent()).toBeUndefined();
    });

    it("come to legacy clients: as JSON, at the end of a stream, in a batch", async () => {
      const { url } = await open();
      const session = await RawSession.open(url, { revision: "2025-03-26" });
      const alone = await session.request(url, "tools/call", { name: "large" });
      expect(alone.result.content[0].text === LARGE_TEXT).toBe(true);
      const streamed = await session.call(url, "slow_large", {}, { progressToken: "p" });
      await streamed.next("notifications/progress");
      const last = await streamed.next(undefined);
      expect(last.result.content[0].text === LARGE_TEXT).toBe(true);
      const request = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "large" } };
      const batch = await session.post(url, [request, { ...request, id: 2 }]);
      const answers = JSON.parse(await batch.text()) as (typeof alone)[];
      expect(answers.map(({ result }) => result.content[0].text === LARGE_TEXT)).toEqual([
        true,
        true,
      ]);
    });

    it("are no more made than their client reads, and arrive whole when it goes on", async () => {
      const { url } = await open();
      const response = await read(url);
      response.pause();
      const taken = await settled();
      // What kernels buffer of a connection, and far less than all.
      expect(taken).toBeLessThan(250);
      response.resume();
      expect((await response.text()).includes(payloadInBase64)).toBe(true);
      expect(CountedBytes.taken).toBeGreaterThan(400);
    });

    it("are not made any more once their client is gone", async () => {
      const { url, logged } = await open();
      const before = logged.length;
      const responses = await Promise.all([read(url), read(url), read(url)]);
      for (const response of responses) response.pause();
      const taken = await settled();
      for (const response of responses) response.abort();
      expect(await settled()).toBeLessThanOrEqual(taken + responses.length);
      expect((await callTool(url, "echo")).status).toBe(200);
      expect(logged.slice(before)).toEqual([]);
    });

    it("end with their connection, and a word in the log, when they cannot be made to the end", async () => {
      const lost = new Uint8Array(PAYLOAD_BYTES);
      const { url, logged } = await open(lost);
      const response = await read(url);
      response.pause();
      structuredClone(lost.buffer, { transfer: [lost.buffer] });
      response.resume();
      expect((await response.text()).endsWith("}")).toBe(false);
      expect(logged.at(-1)).toMatchObject({
        method: "resources/read",
        err: expect.any(TypeError),
        message: "an answer ended in the middle",
      });
    });

    it("leave together, and other calls between them", async () => {
      const { url } = await open();
      const reads = Array.from({ length: 6 }, async () => (await read(url)).text());
      const small = await callTool(url, "echo", { n: 1 });
      expect(small.status).toBe(200);
      for (const body of await Promise.all(reads)) {
        expect(body.includes(`"blob":"${payloadInBase64}"`)).toBe(true);
      }
    });
  });
}

/** What was taken of the payload, once that does not grow any more. */
async function settled(): Promise<number> {
  let last = -1;
  await vi.waitFor(
    () => {
      const before = last;
      last = CountedBytes.taken;
      expect(last).toBe(before);
    },
    { interval: 200, timeout: 10_000 },
  );
  return last;
}
