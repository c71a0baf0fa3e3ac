import { createInMemoryTransportPair, type MessageTransport } from "@backplane/protocol";
import { describe, expect, it } from "vitest";
import { MessageClientTransport, type MessageTransportOptions } from "./message-transport.ts";
import {
  type RecordedEvents,
  type RecordedLog,
  recordEvents,
  recordLog,
  send,
  until,
} from "./recorders.test-support.ts";

interface Rig {
  readonly transport: MessageClientTransport;
  readonly events: RecordedEvents;
  readonly log: RecordedLog;
  /** The other end, and what arrived there. */
  readonly server: MessageTransport;
  readonly received: { id?: string | number; method?: string }[];
  closedByClient(): boolean;
}

async function open(options: Partial<MessageTransportOptions> = {}): Promise<Rig> {
  const [near, server] = createInMemoryTransportPair();
  const received: Rig["received"] = [];
  let gone = false;
  server.start({
    onMessage: (text) => received.push(JSON.parse(text)),
    onClose: () => {
      gone = true;
    },
  });
  const log = recordLog();
  const transport = new MessageClientTransport(near, {
    kind: "in-memory",
    name: "test",
    maxMessageChars: 10_000,
    maxJsonDepth: 8,
    maxPending: 10,
    logger: log,
    ...options,
  });
  const events = recordEvents();
  await transport.open(events);
  return { transport, events, log, server, received, closedByClient: () => gone };
}

const result = (id: unknown, value: object = {}): string =>
  JSON.stringify({ jsonrpc: "2.0", id, result: value });

describe("MessageClientTransport", () => {
  it("gives each request its own response, whatever the order; a string is not a number", async () => {
    const { transport, server, received } = await open();
    const number = send(transport, 1, "a");
    const string = send(transport, "1", "b");
    await until(() => expect(received.map(({ id }) => id)).toEqual([1, "1"]));
    server.send(result("1", { for: "string" }));
    server.send(result(1, { for: "number" }));
    expect(await string.first).toMatchObject({ result: { for: "string" } });
    expect(await number.first).toMatchObject({ result: { for: "number" } });
  });

  it("hands everything else to the events, the members of a batch one by one", async () => {
    const { transport, server, events } = await open();
    const answer = send(transport, 1, "a");
    const note = { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1 } };
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
    server.send(JSON.stringify(note));
    server.send(JSON.stringify([ping, JSON.parse(result(1))]));
    server.send("null");
    await answer.first;
    await until(() => expect(events.messages).toEqual([note, ping, null]));
    expect(answer.messages).toHaveLength(1);
  });

  it("4b.18: ignores late and unknown responses, and what follows a response", async () => {
    const { transport, server, events } = await open();
    const given = send(transport, 1, "a");
    const kept = send(transport, 2, "a");
    transport.abandon(1);
    transport.abandon(99);
    for (const id of [1, 3, "2", 2, 2]) server.send(result(id));
    await kept.first;
    const last = send(transport, 5, "b");
    server.send(result(5));
    await last.first;
    expect([given.messages, given.failures, events.messages]).toEqual([[], [], []]);
    expect(kept.messages).toHaveLength(1);
  });

  it("an invalid response still ends its request", async () => {
    const { transport, server } = await open();
    const answer = send(transport, 1, "a");
    server.send('{"jsonrpc":"2.0","id":1,"result":null}');
    expect(await answer.first).toEqual({ jsonrpc: "2.0", id: 1, result: null });
  });

  it("an error without an id ends the one request that it can belong to", async () => {
    const { transport, server } = await open();
    const error = { code: -32700, message: "Parse error" };
    const listen = send(transport, 1, "subscriptions/listen", { longLived: true });
    const answer = send(transport, 2, "a");
    server.send(JSON.stringify({ jsonrpc: "2.0", id: null, error }));
    expect(await answer.first).toEqual({ jsonrpc: "2.0", error });
    const [first, second] = [send(transport, 3, "a"), send(transport, 4, "a")];
    server.send(JSON.stringify({ jsonrpc: "2.0", error }));
    server.send(result(3));
    await first.first;
    expect([listen.messages, second.messages, second.failures]).toEqual([[], [], []]);
  });

  it.each(["{}", '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":null}'])(
    "a stray %s is no response and ends no request",
    async (stray) => {
      const { transport, server, events } = await open();
      const answer = send(transport, 1, "a");
      server.send(stray);
      server.send(result(1, { of: "a" }));
      expect(await answer.first).toMatchObject({ result: { of: "a" } });
      expect(events.messages).toHaveLength(1);
    },
  );

  it("a result without an id still ends the one request that it can belong to", async () => {
    const { transport, server } = await open();
    const answer = send(transport, 1, "a");
    server.send('{"jsonrpc":"2.0","id":null,"result":{}}');
    expect(await answer.first).toEqual({ jsonrpc: "2.0", result: {} });
  });

  it("what is not JSON is skipped, and reported once, without its secrets", async () => {
    const { transport, server, log, events } = await open();
    const answer = send(transport, 1, "a");
    server.send("starting with password=hunter2");
    server.send("{");
    server.send(result(1));
    await answer.first;
    const warnings = log.entries.filter(([level]) => level === "warn");
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain("hunter2");
    expect(events.messages).toEqual([]);
  });

  it("a response over the limits fails its request; anything else over them is dropped", async () => {
    const { transport, server, log, events } = await open();
    const nest = (id: unknown): string =>
      `{"jsonrpc":"2.0","id":${id},"result":${'{"a":'.repeat(10)}1${"}".repeat(10)}}`;
    const [deep, long, fine] = [1, 2, 3].map((id) => send(transport, id, "a"));
    server.send(nest(1));
    server.send(result(2, { text: "x".repeat(20_000) }));
    server.send(nest(77));
    server.send(JSON.stringify({ jsonrpc: "2.0", method: "n", params: [[[[[[[[[1]]]]]]]]] }));
    server.send(result(3));
    await fine?.first;
    expect(deep?.failures[0]).toMatchObject({ code: "response_too_large", retry: "never" });
    expect(deep?.failures[0]?.message).toContain("maxJsonDepth (8)");
    expect(long?.failures[0]?.message).toContain("maxResponseBytes (10000)");
    expect(events.messages).toEqual([]);
    expect(log.entries.filter(([level]) => level === "warn")).toHaveLength(2);
  });

  it("takes no more requests than its limit, and room is made by answers and by giving up", async () => {
    const { transport, server } = await open({ maxPending: 2 });
    const first = send(transport, 1, "a");
    send(transport, 2, "a");
    const refused = send(transport, 3, "a");
    expect(refused.failures).toEqual([]);
    await expect(refused.first).rejects.toMatchObject({ code: "overloaded", retry: "always" });
    server.send(result(1));
    await first.first;
    transport.abandon(2);
    const later = [send(transport, 4, "a"), send(transport, 5, "a")];
    server.send(result(4));
    server.send(result(5));
    await Promise.all(later.map((answer) => answer.first));
  });

  it("the end of the connection fails what runs, once, and says that later requests were never sent", async () => {
    const { transport, server, events } = await open();
    const running = send(transport, 1, "a");
    await server.close();
    await expect(running.first).rejects.toMatchObject({
      code: "connection_lost",
      retry: "if-idempotent",
    });
    expect(events.closes).toEqual(running.failures);
    const later = send(transport, 2, "a");
    await expect(later.first).rejects.toMatchObject({ code: "connection_lost", retry: "always" });
    await expect(transport.post("{}")).rejects.toMatchObject({ code: "connection_lost" });
    await transport.close();
    expect(events.closes).toHaveLength(1);
    expect(running.failures).toHaveLength(1);
  });

  it("close fails what runs with closed, tells the server, and no event", async () => {
    const { transport, events, closedByClient } = await open();
    const running = send(transport, 1, "a");
    await Promise.all([transport.close(), transport.close()]);
    await expect(running.first).rejects.toMatchObject({ code: "closed", retry: "never" });
    await expect(send(transport, 2, "a").first).rejects.toMatchObject({ code: "closed" });
    expect(events.closes).toEqual([]);
    expect(closedByClient()).toBe(true);
  });

  describe("over a connection that throws", () => {
    const broken = new Error("queue closed");
    const over = (send: () => void) =>
      new MessageClientTransport(
        { start() {}, send, close: async () => {} },
        {
          kind: "in-memory",
          name: "test",
          maxMessageChars: 10_000,
          maxJsonDepth: 8,
          maxPending: 1,
          logger: recordLog(),
        },
      );

    it("reports it as connection_failed, later, and keeps no place for the request", async () => {
      const transport = over(() => {
        throw broken;
      });
      const first = send(transport, 1, "a");
      expect(first.failures).toEqual([]);
      const expected = { code: "connection_failed", cause: broken };
      await expect(first.first).rejects.toMatchObject(expected);
      await expect(send(transport, 2, "a").first).rejects.toMatchObject(expected);
      await expect(transport.post("{}")).rejects.toMatchObject(expected);
    });

    it("tells a request once, and one that was given up not at all", async () => {
      const transport = over(() => {
        throw broken;
      });
      const given = send(transport, 1, "a");
      transport.abandon(1);
      const closed = send(transport, 2, "a");
      await transport.close();
      await expect(closed.first).rejects.toMatchObject({ code: "closed" });
      expect([given.failures, closed.failures.length]).toEqual([[], 1]);
    });
  });
});
