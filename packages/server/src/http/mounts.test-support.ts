import { afterEach, expect, it, vi } from "vitest";
import { textOf } from "../input-peer.test-support.ts";
import { callTool, HttpRigs, type Mount } from "./http-rig.test-support.ts";
import { RawSession } from "./raw-client.test-support.ts";

/** What a server does through real HTTP wherever it is mounted. */
export function mountSuite(mount: Mount): void {
  const rigs = new HttpRigs(mount);
  afterEach(() => rigs.close());

  it("answers a modern call", async () => {
    const { url } = await rigs.open();
    const response = await callTool(url, "echo", { text: "ü" });
    expect(response.status).toBe(200);
    expect(response.headers["content-type"]).toBe("application/json");
    expect(textOf((await response.json()) as never)).toBe('{"text":"ü"}');
  });

  it("streams the progress of a modern call as it happens", async () => {
    const { url } = await rigs.open();
    const response = await callTool(url, "count", {}, { progressToken: "p" });
    expect(response.status).toBe(200);
    expect(response.isStream).toBe(true);
    expect(response.headers["x-accel-buffering"]).toBe("no");
    expect((await response.next("notifications/progress")).params).toEqual({
      progressToken: "p",
      progress: 1,
      total: 2,
    });
    expect((await response.next(undefined)).result.content).toEqual([
      { type: "text", text: "counted" },
    ]);
    expect(await response.nextEvent()).toBeUndefined();
  });

  it("serves a legacy session from its handshake to its end", async () => {
    const { url, server } = await rigs.open();
    const session = await RawSession.open(url);
    const { result } = await session.request(url, "tools/call", {
      name: "echo",
      arguments: { n: 1 },
    });
    expect(result.content).toEqual([{ type: "text", text: '{"n":1}' }]);
    const counting = await session.call(url, "count", {}, { progressToken: 7 });
    expect((await counting.next("notifications/progress")).params.progressToken).toBe(7);
    expect((await counting.next(undefined)).result.content[0].text).toBe("counted");
    const stream = await session.get(url);
    expect(stream.status).toBe(200);
    server.tool("late", {}, () => "");
    await stream.next("notifications/tools/list_changed");
    expect(await session.delete(url)).toBeLessThan(300);
    expect((await session.open(url, "tools/list")).status).toBe(404);
    stream.abort();
  });

  it("tells a modern handler that its client went away", async () => {
    const { url, events } = await rigs.open();
    const response = await callTool(url, "stream_then_wait", {}, { progressToken: "p" });
    await response.next("notifications/progress");
    response.abort();
    await vi.waitFor(() => expect(events).toEqual(["stream aborted"]));
  });

  it("answers many at once", async () => {
    const { url } = await rigs.open();
    const numbers = Array.from({ length: 25 }, (_, n) => n);
    const answers = await Promise.all(
      numbers.map(async (n) => (await callTool(url, "echo", { n })).json()),
    );
    expect(answers.map((answer) => textOf(answer as never))).toEqual(
      numbers.map((n) => `{"n":${n}}`),
    );
  });
}
