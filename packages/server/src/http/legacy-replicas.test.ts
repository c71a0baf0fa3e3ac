import { createMemoryEventBus, type EventBus } from "@backplane/protocol";
import { chaotic } from "@backplane/protocol/test-suite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Gates, type Running, startReplicas, stopAll } from "./legacy-servers.test-support.ts";
import { RawSession } from "./raw-client.test-support.ts";

const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const REPORTED = { progressToken: "token" };

function textOf(message: { readonly result?: { readonly content: { readonly text: string }[] } }) {
  return message.result?.content[0]?.text;
}

describe.each([
  ["at once", 0],
  ["after a while, as over a network", 6],
])("seams that answer %s", (_when, delayMs) => {
  let gates: Gates;
  let servers: readonly Running[];
  let eventBus: EventBus;
  let a: string;
  let b: string;
  let session: RawSession;

  beforeEach(async () => {
    gates = new Gates();
    eventBus = chaotic(createMemoryEventBus(), { delayMs }).subject;
    servers = await startReplicas(2, gates, { eventBus }, delayMs);
    [a, b] = servers.map(({ url }) => url) as [string, string];
    session = await RawSession.open(a, { capabilities: CAPABILITIES });
  });

  afterEach(() => stopAll(servers));

  /** Resolves once every server object has a control message of a type: they were subscribed before. */
  function delivery(type: string): Promise<void> {
    return new Promise((resolve) => {
      void eventBus.subscribe("sessions", (message) => {
        if (JSON.parse(message).type === type) resolve();
      });
    });
  }

  describe("a session begun at one server object", () => {
    it("is served by the other", async () => {
      const called = await session.request(b, "tools/call", { name: "echo" });
      expect(textOf(called)).toBe("echo");
    });

    it("ends everywhere, once", async () => {
      expect(await session.delete(b)).toBe(200);
      for (const url of [a, b]) {
        expect((await session.open(url, "ping")).status).toBe(404);
        expect((await session.get(url)).status).toBe(404);
        expect(await session.delete(url)).toBe(404);
        expect(await session.notify(url, "notifications/initialized")).toBe(404);
      }
    });
  });

  describe("an answer posted to the other server object", () => {
    it.each([
      [
        "asks_form",
        "elicitation/create",
        { action: "accept", content: { name: "Ada" } },
        'form: {"name":"Ada"}',
      ],
      ["asks_url", "elicitation/create", { action: "decline" }, "url: decline"],
      [
        "asks_model",
        "sampling/createMessage",
        { role: "assistant", model: "m", content: { type: "text", text: "Hello" } },
        "model: Hello",
      ],
      ["asks_roots", "roots/list", { roots: [{ uri: "file:///home" }] }, "roots: file:///home"],
    ])("reaches %s", async (tool, method, answer, expected) => {
      const stream = await session.call(a, tool);
      const asked = await stream.next(method);
      expect(await session.answer(b, asked.id, answer)).toBe(202);
      expect(textOf(await stream.next(undefined))).toBe(expected);
    });

    it("can be an error", async () => {
      const stream = await session.call(a, "asks_form");
      const asked = await stream.next("elicitation/create");
      const error = { code: -1, message: "the user is away" };
      await session.post(b, { jsonrpc: "2.0", id: asked.id, error });
      expect((await stream.next(undefined)).error).toMatchObject(error);
    });

    it("of another session reaches nobody", async () => {
      const other = await RawSession.open(b, { capabilities: CAPABILITIES });
      const stream = await session.call(a, "asks_form");
      const asked = await stream.next("elicitation/create");
      const content = { name: "Mallory" };
      expect(await other.answer(b, asked.id, { action: "accept", content })).toBe(202);
      expect(await other.answer(a, asked.id, { action: "accept", content })).toBe(202);
      await session.answer(b, asked.id, { action: "accept", content: { name: "Ada" } });
      expect(textOf(await stream.next(undefined))).toContain("Ada");
    });

    it("to nothing is accepted and ignored", async () => {
      expect(await session.answer(b, "nobody-asked", {})).toBe(202);
    });
  });

  describe("a call at the other server object", () => {
    it("is cancelled, by an id of the same type only, and not answered", async () => {
      const params = { name: "waits", arguments: { gate: "cancelled" } };
      const response = session.open(a, "tools/call", params, 7);
      await gates.at("cancelled").reached;
      expect(await session.notify(b, "notifications/cancelled", { requestId: "7" })).toBe(202);
      await session.notify(b, "notifications/cancelled", {
        requestId: 7,
        reason: "changed my mind",
      });
      const reason = (await gates.at("cancelled").aborted) as Error;
      expect(reason.name).toBe("AbortError");
      expect(reason.message).toContain("changed my mind");
      const ended = await response;
      expect(ended.isStream).toBe(true);
      expect(await ended.text()).not.toContain("jsonrpc");
    });

    it("is aborted when the session is deleted, and its stream ends", async () => {
      const stream = await session.call(a, "reports", { gate: "deleted" }, REPORTED);
      const get = await session.get(a);
      await gates.at("deleted").reached;
      expect(await session.delete(b)).toBe(200);
      expect(((await gates.at("deleted").aborted) as Error).message).toContain("session");
      await stream.text();
      await get.text();
      expect(stream.messages.every(({ method }) => method !== undefined)).toBe(true);
    });

    it("logs at the level that is set meanwhile", async () => {
      const stream = session.call(a, "logs", { gate: "level" });
      await gates.at("level").reached;
      const arrived = delivery("level");
      expect((await session.request(b, "logging/setLevel", { level: "debug" })).result).toEqual({});
      await arrived;
      gates.at("level").open();
      const answered = await stream;
      await answered.next(undefined);
      expect(answered.messages.map(({ params }) => params?.data)).toContain("after");
      expect(answered.messages.map(({ params }) => params?.data)).not.toContain("before");
      const later = await session.call(b, "logs", { gate: "level" });
      expect((await later.next("notifications/message")).params.data).toBe("before");
    });

    it("is followed from its last event to its end", async () => {
      const stream = await session.call(a, "reports", { gate: "follow" }, REPORTED);
      const first = await stream.next("notifications/progress");
      expect(first.params.progress).toBe(1);
      const lastEventId = stream.lastEventId;
      stream.abort();
      const resumed = await session.get(b, lastEventId);
      expect(resumed.status).toBe(200);
      gates.at("follow").open();
      expect((await resumed.next("notifications/progress")).params.progress).toBe(2);
      expect((await resumed.next("notifications/progress")).params.progress).toBe(3);
      expect(textOf(await resumed.next(undefined))).toBe("reported");
      await resumed.text();
      expect(resumed.messages).toHaveLength(3);
    });

    it("is followed by the newest follower only", async () => {
      const stream = await session.call(a, "reports", { gate: "newest" }, REPORTED);
      await stream.next("notifications/progress");
      const { lastEventId } = stream;
      const older = await session.get(b, lastEventId);
      const newer = await session.get(a, lastEventId);
      await older.text();
      await stream.text();
      gates.at("newest").open();
      expect(textOf(await newer.next(undefined))).toBe("reported");
      expect(older.messages).toEqual([]);
    });

    it("is replayed after it has ended, and then there is nothing to come back for", async () => {
      const stream = await session.call(a, "reports", { gate: "replayed" }, REPORTED);
      const primed = await stream.nextEvent();
      expect(primed).toMatchObject({ data: "", retry: "1000" });
      await stream.next("notifications/progress");
      stream.abort();
      gates.at("replayed").open();
      const resumed = await session.get(b, primed?.id);
      await resumed.next(undefined);
      await resumed.text();
      expect(resumed.messages.map(({ params }) => params?.progress)).toEqual([1, 2, 3, undefined]);
      const again = await session.get(b, primed?.id);
      await again.text();
      expect(again.messages).toHaveLength(4);
      const nothingLeft = await session.get(a, resumed.lastEventId);
      expect(nothingLeft.status).toBe(204);
      expect(nothingLeft.headers["content-length"]).toBeUndefined();
    });

    it("asks again on the connection that its client came back with", async () => {
      const stream = await session.call(a, "asks_form");
      const asked = await stream.next("elicitation/create");
      stream.abort();
      const resumed = await session.get(b, stream.lastEventId);
      await session.answer(b, asked.id, { action: "accept", content: { name: "Ada" } });
      expect(textOf(await resumed.next(undefined))).toContain("Ada");
    });

    it("releases its connection and goes on where the client comes back", async () => {
      const stream = await session.call(a, "releases", { gate: "released" }, REPORTED);
      await stream.text();
      expect(stream.events.map(({ retry }) => retry)).toEqual(["1000", "250"]);
      const resumed = await session.get(b, stream.lastEventId);
      gates.at("released").open();
      await resumed.next("notifications/progress");
      expect(textOf(await resumed.next(undefined))).toBe("released");
    });

    it("belongs to its session: another cannot resume it", async () => {
      const stream = await session.call(a, "reports", { gate: "foreign" }, REPORTED);
      await stream.next("notifications/progress");
      const other = await RawSession.open(b);
      const stolen = await other.get(b, stream.events[0]?.id);
      expect(stolen.status).toBe(400);
      gates.at("foreign").open();
      await stream.next(undefined);
      expect((await other.get(a, stream.events[0]?.id)).status).toBe(400);
    });
  });

  describe("a server object that stops", () => {
    it("leaves the end of its calls to be read at the other", async () => {
      const stream = await session.call(a, "reports", { gate: "stopped" }, REPORTED);
      await stream.next("notifications/progress");
      const resumed = await session.get(b, stream.lastEventId);
      await servers[0]?.server.stop();
      expect((await resumed.next(undefined)).error?.data).toMatchObject({ reason: "draining" });
      await resumed.text();
      const later = await session.get(b, stream.events[0]?.id);
      expect((await later.next(undefined)).error?.data).toMatchObject({ reason: "draining" });
    });

    it("leaves its GET streams to the other, whose clients then fetch everything again", async () => {
      await session.request(a, "resources/subscribe", { uri: "test://a" });
      const get = await session.get(a);
      await get.nextEvent();
      await servers[0]?.server.stop();
      await get.text();
      const resumed = await session.get(b, get.lastEventId);
      await resumed.next("notifications/resources/updated");
      expect(resumed.messages.map(({ method }) => method)).toEqual([
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
      ]);
      expect(await session.request(b, "ping")).toMatchObject({ result: {} });
    });
  });

  describe("a GET stream", () => {
    it("tells of lists that the other server object changes", async () => {
      const get = await session.get(a);
      servers[1]?.server.tool("appears", {}, () => "").remove();
      expect(await get.next("notifications/tools/list_changed")).toBeDefined();
    });

    it("tells of resources subscribed at the other, and of no other resource", async () => {
      const get = await session.get(a);
      expect((await session.request(b, "resources/subscribe", { uri: "test://a" })).result).toEqual(
        {},
      );
      await session.request(a, "resources/subscribe", { uri: "test://b" });
      await session.request(b, "resources/unsubscribe", { uri: "test://b" });
      servers[1]?.server.resourceUpdated("test://b");
      servers[1]?.server.resourceUpdated("test://a");
      servers[0]?.server.resourceUpdated("test://a");
      await get.next("notifications/resources/updated");
      await get.next("notifications/resources/updated");
      expect(get.messages.map(({ params }) => params?.uri)).toEqual(["test://a", "test://a"]);
    });

    it("knows subscriptions made before it was opened", async () => {
      await session.request(a, "resources/subscribe", { uri: "test://a" });
      const get = await session.get(b);
      await get.nextEvent();
      servers[0]?.server.resourceUpdated("test://a");
      expect((await get.next("notifications/resources/updated")).params.uri).toBe("test://a");
    });

    it("gives way to a newer one, wherever that is", async () => {
      const first = await session.get(a);
      const second = await session.get(b);
      await first.text();
      const third = await session.get(b);
      await second.text();
      servers[0]?.server.tool("appears", {}, () => "").remove();
      await third.next("notifications/tools/list_changed");
      expect([...first.messages, ...second.messages]).toEqual([]);
    });

    it.each([0, 1])("is resumed at server object %i without losing a change", async (index) => {
      await session.request(a, "resources/subscribe", { uri: "test://a" });
      await session.request(a, "resources/subscribe", { uri: "test://b" });
      const get = await session.get(a);
      const primed = await get.nextEvent();
      get.abort();
      servers[1]?.server.resourceUpdated("test://a");
      // The change is in the log once a stream of another session has it.
      const witness = await RawSession.open(b);
      await witness.request(b, "resources/subscribe", { uri: "test://a" });
      const seen = await witness.get(b);
      await seen.nextEvent();
      servers[1]?.server.resourceUpdated("test://a");
      await seen.next("notifications/resources/updated");

      const resumed = await session.get(servers[index]?.url as string, primed?.id);
      expect((await resumed.next("notifications/resources/updated")).params.uri).toBe("test://a");
      expect((await resumed.next("notifications/resources/updated")).params.uri).toBe("test://a");
      servers[0]?.server.resourceUpdated("test://b");
      expect((await resumed.next("notifications/resources/updated")).params.uri).toBe("test://b");
      const methods = resumed.messages.map(({ method }) => method);
      expect(methods.filter((method) => method?.includes("list_changed"))).toEqual([]);
    });

    it("is resumed through streams that the client never saw", async () => {
      await session.request(a, "resources/subscribe", { uri: "test://a" });
      const first = await session.get(a);
      const primed = await first.nextEvent();
      first.abort();
      const unseen = await session.get(b, primed?.id);
      await unseen.nextEvent();
      servers[0]?.server.resourceUpdated("test://a");
      await unseen.next("notifications/resources/updated");
      unseen.abort();
      const resumed = await session.get(a, primed?.id);
      expect((await resumed.next("notifications/resources/updated")).params.uri).toBe("test://a");
      const methods = resumed.messages.map(({ method }) => method);
      expect(methods).toEqual(["notifications/resources/updated"]);
    });
  });
});
