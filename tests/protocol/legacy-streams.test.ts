import { describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import type { OpenStream } from "./harness/http.ts";
import { type LegacySession, openSession } from "./harness/legacy-session.ts";
import { textOf } from "./harness/messages.ts";
import { useServer } from "./harness/servers.ts";
import { untilAborted } from "./harness/until-aborted.ts";

const gates = new Map<string, () => void>();
const aborted: string[] = [];

function gate(name: string): Promise<void> {
  return new Promise((resolve) => gates.set(name, resolve));
}

const named = { type: "object", properties: { name: { type: "string" } } } as const;

const everything = useEverything();
const target = useServer((server) => {
  server.tool("steps", {}, (_args, context) => {
    for (const progress of [1, 2, 3]) context.progress({ progress, total: 3 });
    return "done";
  });
  // Waits for the test in the middle, so that a client can go away and come back.
  server.tool("gated", { input: named }, async (args, context) => {
    const name = String(args["name"]);
    const opened = gate(name);
    context.progress({ progress: 1, message: name });
    await opened;
    context.progress({ progress: 2, message: name });
    return `after the gate of ${name}`;
  });
  server.tool("hang", { input: named }, async (args, context) => {
    context.progress(1);
    await untilAborted(context.signal).finally(() => {
      aborted.push(String(args["name"]));
      gates.get(String(args["name"]))?.();
    });
  });
  server.tool("released", {}, async (_args, context) => {
    context.progress(1);
    const released = context.releaseConnection(10);
    context.progress(2);
    return `released ${released}`;
  });
  server.resource("test://watched", {}, () => "watched");
});

const withToken = { progressToken: "p" };

/** Reads events until the stream ends. */
async function drain(stream: OpenStream) {
  await stream.ended();
  return stream.events;
}

function newestId(stream: OpenStream): string {
  const id = stream.events.findLast((event) => event.id !== undefined)?.id;
  if (id === undefined) throw new Error("the stream has no event ids");
  return id;
}

describe("event streams of 2025-11-25", () => {
  it("[S25-07a, S25-06c] begin with an event id and empty data, and every event has an id of its own", async () => {
    const session = await openSession(target.url);
    const ids = new Set<string>();
    let events = 0;
    for (let n = 0; n < 3; n++) {
      const stream = await session.openTool("steps", {}, withToken);
      const all = await drain(stream);
      expect(all[0]?.id).toBeDefined();
      expect(all[0]?.data ?? "").toBe("");
      for (const { id } of all) ids.add(String(id));
      events += all.length;
    }
    expect(ids.size).toBe(events);
    expect(ids).not.toContain("undefined");
  });

  it("[S25-02, S25-07a] have no empty event for revisions whose clients cannot read one", async () => {
    const session = await openSession(target.url, { revision: "2025-06-18" });
    const stream = await session.openTool("steps", {}, withToken);
    for (const { data } of await drain(stream)) expect(data).toBeTruthy();
    expect(stream.messages).toHaveLength(4);
  });

  it("[S25-06a] carry each message once, on one stream", async () => {
    const session = await openSession(target.url);
    const get = await session.get();
    const stream = await session.openTool("steps", {}, withToken);
    await drain(stream);
    target.server.tool("appears", {}, () => "").remove();
    const changed = await get.next();
    expect(changed?.method).toBe("notifications/tools/list_changed");
    expect(get.messages.filter(({ method }) => method === "notifications/progress")).toEqual([]);
    expect(stream.messages.filter(({ method }) => method?.endsWith("list_changed"))).toEqual([]);
    get.close();
  });

  it("[S25-06a] tell one GET stream of a change, not two", async () => {
    const session = await openSession(target.url);
    const one = await session.get();
    const two = await session.get();
    expect([200, 409]).toContain(two.status);
    target.server.tool("appears", {}, () => "").remove();
    const streams = [one, ...(two.status === 200 ? [two] : [])];
    await Promise.any(streams.map((stream) => stream.until(({ method }) => method !== undefined)));
    // A second change shows that nothing of the first is still under way to the other stream.
    target.server.tool("appears", {}, () => "").remove();
    await session.request("ping");
    const listed = streams.flatMap(({ messages }) => messages);
    expect(listed.length).toBeLessThanOrEqual(2);
    for (const stream of streams) stream.close();
  });

  it("[S25-06b] of GET carry no response", async () => {
    const session = await openSession(target.url);
    const get = await session.get();
    for (let n = 0; n < 5; n++) await session.callTool("steps");
    target.server.tool("appears", {}, () => "").remove();
    await get.next();
    expect(get.messages.filter(({ method }) => method === undefined)).toEqual([]);
    get.close();
  });
});

describe("a broken stream", () => {
  async function interrupted(session: LegacySession, name: string): Promise<string> {
    const stream = await session.openTool("gated", { name }, withToken);
    await stream.until(({ method }) => method === "notifications/progress");
    const lastId = newestId(stream);
    stream.close();
    return lastId;
  }

  it("[S25-07c] does not cancel the call", async () => {
    const session = await openSession(target.url);
    const lastId = await interrupted(session, "survives");
    gates.get("survives")?.();
    const resumed = await session.get(lastId);
    const response = await resumed.until(({ result }) => result !== undefined);
    expect(textOf(response)).toBe("after the gate of survives");
  });

  it("[S25-06b, S25-06d] is resumed where it broke: what was missed, the response, and nothing else", async () => {
    const session = await openSession(target.url);
    const [mine, other] = [await interrupted(session, "mine"), await interrupted(session, "other")];
    gates.get("other")?.();
    gates.get("mine")?.();
    const resumed = await session.get(mine);
    await resumed.ended();
    expect(resumed.messages.map(({ method, params }) => [method, params?.["message"]])).toEqual([
      ["notifications/progress", "mine"],
      [undefined, undefined],
    ]);
    const again = await session.get(other);
    await again.ended();
    expect(again.messages[0]?.params?.["message"]).toBe("other");
    expect(textOf(again.messages.at(-1))).toBe("after the gate of other");
  });

  it("[S25-06d] follows a call that still runs", async () => {
    const session = await openSession(target.url);
    const lastId = await interrupted(session, "running");
    const resumed = await session.get(lastId);
    expect(resumed.status).toBe(200);
    gates.get("running")?.();
    const response = await resumed.until(({ result }) => result !== undefined);
    expect(textOf(response)).toBe("after the gate of running");
    await resumed.ended();
  });

  it("[S25-06c] is resumed from any of its events, and ends with what it owed", async () => {
    const session = await openSession(target.url);
    const stream = await session.openTool("steps", {}, withToken);
    const events = await drain(stream);
    for (const [index, { id }] of events.entries()) {
      const resumed = await session.get(id);
      await resumed.ended();
      const rest = events.slice(index + 1).map(({ id: eventId, data }) => [eventId, data]);
      expect(resumed.events.map(({ id: eventId, data }) => [eventId, data])).toEqual(rest);
    }
  });

  it.each(["no-such-event", "0", "x".repeat(5_000)])(
    "[S25-06d] replays nothing for the unknown event id %s",
    async (lastEventId) => {
      const session = await openSession(target.url);
      await session.callTool("steps", {}, withToken);
      const stream = await session.get(lastEventId);
      expect(stream.status).toBeLessThan(500);
      if (stream.status === 200) {
        target.server.tool("appears", {}, () => "").remove();
        const first = await stream.next();
        expect(first?.method).toBe("notifications/tools/list_changed");
      }
      stream.close();
    },
  );

  it("[S25-06d] of another session is not replayed", async () => {
    const session = await openSession(target.url);
    const lastId = await interrupted(session, "private");
    gates.get("private")?.();
    const other = await openSession(target.url);
    const stolen = await other.get(lastId);
    if (stolen.status === 200) {
      target.server.tool("appears", {}, () => "").remove();
      await stolen.next();
    }
    expect(JSON.stringify(stolen.messages)).not.toContain("private");
    stolen.close();
  });
});

describe("a connection that the server closes", () => {
  it("[S25-07b] is announced with retry, and the rest follows on GET", async () => {
    const session = await openSession(target.url);
    const stream = await session.openTool("released", {}, withToken);
    await stream.ended();
    expect(stream.events.some(({ retry }) => retry === 10)).toBe(true);
    expect(stream.messages.filter(({ result }) => result !== undefined)).toEqual([]);
    const resumed = await session.get(newestId(stream));
    const response = await resumed.until(({ result }) => result !== undefined);
    expect(textOf(response)).toBe("released true");
  });

  it("[S25-07b] is so in apps/everything", async () => {
    const session = await openSession(everything.url);
    const stream = await session.openTool("test_reconnection");
    await stream.ended();
    expect(stream.events.some(({ retry }) => retry !== undefined)).toBe(true);
    const resumed = await session.get(newestId(stream));
    const response = await resumed.until(({ result }) => result !== undefined);
    expect(response.result?.content?.length).toBeGreaterThan(0);
  });

  it("[S25-02] is not closed for revisions that know no polling", async () => {
    const session = await openSession(target.url, { revision: "2025-06-18" });
    const { message } = await session.callTool("released", {}, withToken);
    expect(textOf(message)).toBe("released false");
  });
});

describe("cancellation in a session", () => {
  const cancel = (session: LegacySession, requestId: unknown) =>
    session.notify("notifications/cancelled", { requestId });

  it("stops the handler, by notification", async () => {
    const session = await openSession(target.url);
    const done = gate("cancelled");
    const id = session.newId() + 1;
    const stream = await session.openTool("hang", { name: "cancelled" }, withToken);
    await stream.next();
    await cancel(session, id);
    await done;
    expect(aborted).toContain("cancelled");
    await stream.ended();
    expect(stream.messages.filter(({ method }) => method === undefined)).toEqual([]);
  });

  it("does not reach the call of another session with the same id", async () => {
    const session = await openSession(target.url);
    const other = await openSession(target.url);
    const stream = await session.openTool("gated", { name: "kept" }, withToken);
    await stream.until(({ method }) => method === "notifications/progress");
    for (let id = 0; id < 5; id++) await cancel(other, id);
    gates.get("kept")?.();
    const response = await stream.until(({ result }) => result !== undefined);
    expect(textOf(response)).toBe("after the gate of kept");
  });

  it("[S26-35a] for the unknown, the finished and nonsense does no harm", async () => {
    const session = await openSession(target.url);
    for (const requestId of ["no such", 999, null, {}]) {
      expect((await cancel(session, requestId)).status).toBeLessThan(500);
    }
    expect((await session.request("ping")).status).toBe(200);
  });

  it("stops the handlers of a session that its client ends", async () => {
    const session = await openSession(target.url);
    const done = gate("deleted");
    const stream = await session.openTool("hang", { name: "deleted" }, withToken);
    await stream.next();
    await session.end();
    await done;
    expect(aborted).toContain("deleted");
    await stream.ended();
  });
});

describe("resource subscriptions in a session", () => {
  it("tell the GET stream of the subscribed resource until unsubscribed", async () => {
    const session = await openSession(target.url);
    const get = await session.get();
    const subscribed = await session.request("resources/subscribe", { uri: "test://watched" });
    expect(subscribed.message?.result).toEqual({});
    target.server.resourceUpdated("test://other");
    target.server.resourceUpdated("test://watched");
    expect(await get.next()).toMatchObject({
      method: "notifications/resources/updated",
      params: { uri: "test://watched" },
    });
    const unsubscribed = await session.request("resources/unsubscribe", { uri: "test://watched" });
    expect(unsubscribed.message?.result).toEqual({});
    target.server.resourceUpdated("test://watched");
    target.server.tool("appears", {}, () => "").remove();
    expect((await get.next())?.method).toBe("notifications/tools/list_changed");
    get.close();
  });
});
