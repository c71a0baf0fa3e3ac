import type { ServerResponse } from "node:http";
import { type Clock, systemClock } from "@backplane/protocol";
import { afterEach, describe, expect, it } from "vitest";
import type { LoadHttpSender } from "./http-channel.ts";
import type { HttpTransportOptions } from "./http-options.ts";
import {
  answerTo,
  EventLog,
  event,
  json,
  optionsFor,
  ping,
  Recorder,
  type Script,
  ScriptedServer,
  SENDERS,
  SILENT,
  stream,
  until,
} from "./http-rig.test-support.ts";
import { HttpTransport } from "./http-transport.ts";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function rig(
  load: LoadHttpSender,
  script: Script,
  more: Partial<HttpTransportOptions> = {},
): Promise<{ server: ScriptedServer; transport: HttpTransport; events: EventLog }> {
  const server = await ScriptedServer.open(script);
  closing.push(() => server.close());
  const transport = new HttpTransport(optionsFor(server.url, more), load);
  closing.push(() => transport.close());
  const events = new EventLog();
  await transport.open(events);
  return { server, transport, events };
}

function send(transport: HttpTransport, more: Parameters<typeof ping>[0] = {}): Recorder {
  const recorder = new Recorder();
  transport.request(ping(more), recorder);
  return recorder;
}

const SESSION = { protocolVersion: "2025-11-25", sessionId: "s1", resumable: true };
const note = (n: number) => `{"jsonrpc":"2.0","method":"n","params":{"n":${n}}}`;
const ANSWER = '{"jsonrpc":"2.0","id":1,"result":{}}';

describe.each(SENDERS)("event streams on %s", (_name, load) => {
  describe("of a request", () => {
    it("bring its messages in order, then its response", async () => {
      const { transport } = await rig(load, (seen, response) => {
        stream(response).write(`: hello\n\n${event(note(1))}${event("{}", { event: "ping" })}`);
        setImmediate(() => {
          response.write(event(note(2), { event: "message" }));
          response.end(event(answerTo(seen)));
        });
      });
      const messages = await send(transport).received(3);
      expect(messages).toEqual([JSON.parse(note(1)), JSON.parse(note(2)), JSON.parse(ANSWER)]);
    });

    it("may be split anywhere", async () => {
      const bytes = Buffer.from(event('{"id":1,"result":{"a":"€𝄞"}}').replaceAll("\n", "\r\n"));
      const { transport } = await rig(load, (_, response) => {
        stream(response);
        const next = (at: number): void => {
          if (at === bytes.length) response.end();
          else response.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
        };
        next(0);
      });
      expect(await send(transport).received()).toEqual([{ id: 1, result: { a: "€𝄞" } }]);
    });

    it("say nothing after the response, and are closed when the server does not", async () => {
      let closed = false;
      const { transport } = await rig(load, (seen, response) => {
        response.on("close", () => {
          closed = true;
        });
        stream(response).write(event(answerTo(seen)) + event(note(9)));
        setTimeout(() => response.write(event(note(10))), 5);
      });
      const recorder = send(transport);
      expect(await recorder.received()).toHaveLength(1);
      await until(() => closed);
      expect(recorder).toMatchObject({ messages: [{ id: 1 }], failures: 0 });
    });

    it.each<[string, (response: ServerResponse) => void, object]>([
      ["ends without response", (to) => to.end(event(note(1))), { code: "connection_lost" }],
      [
        "breaks off",
        (to) => to.write(event(note(1)), () => to.destroy()),
        { code: "connection_lost", retry: "if-idempotent" },
      ],
      ["is not JSON", (to) => to.write(event("{")), { code: "invalid_response" }],
      [
        "nests too deep",
        (to) => to.write(event(`${"[".repeat(40)}${"]".repeat(40)}`)),
        { code: "response_too_large", message: expect.stringContaining("maxJsonDepth") },
      ],
      [
        "has an event that is too large",
        (to) => to.write(`data: ${"a".repeat(300_000)}\n\n`),
        { code: "response_too_large", message: expect.stringContaining("maxResponseBytes") },
      ],
      [
        "has a line without end",
        (to) => {
          const fill = () => {
            while (to.write("a".repeat(16_384)));
          };
          to.on("drain", fill);
          fill();
        },
        { code: "response_too_large" },
      ],
      [
        "has events without end",
        (to) => {
          const fill = () => {
            while (to.write(event(note(1))));
          };
          to.on("drain", fill);
          fill();
        },
        { code: "response_too_large", message: expect.stringContaining("maxStreamEvents") },
      ],
    ])("fail a request when one %s", async (_what, write, expected) => {
      let closed = false;
      const { transport } = await rig(load, (_, response) => {
        response.on("close", () => {
          closed = true;
        });
        write(stream(response));
      });
      const recorder = send(transport);
      expect(await recorder.failed()).toMatchObject(expected);
      await until(() => closed);
      expect(recorder.failures).toBe(1);
    });

    it("may have any number of events when they stay open", async () => {
      const { transport } = await rig(load, (_, response) => {
        stream(response).write(event(note(1)).repeat(500));
      });
      expect(await send(transport, { longLived: true }).received(500)).toHaveLength(500);
    });

    it("are closed when it is abandoned, in the middle of a chunk too", async () => {
      let closed = false;
      const { transport } = await rig(load, (_, response) => {
        response.on("close", () => {
          closed = true;
        });
        stream(response).write(event(note(1)).repeat(5));
      });
      const messages: unknown[] = [];
      transport.request(ping(), {
        onMessage: (message) => {
          messages.push(message);
          transport.abandon(1);
        },
        onFailure: (error) => messages.push(error),
      });
      await until(() => closed);
      expect(messages).toHaveLength(1);
    });
  });

  describe("that break in a session", () => {
    /** A stream with the given beginning that is broken off, and what GETs answer. */
    function breaking(first: string, ...gets: ((response: ServerResponse) => void)[]): Script {
      return (seen, response) => {
        if (seen.method === "POST") stream(response).write(first, () => response.end());
        else (gets.shift() ?? (() => response.writeHead(500).end()))(response);
      };
    }

    it("go on by GET from the last event", async () => {
      const first = event("", { id: "a1", retry: "1" });
      const script = breaking(first, (response) => void stream(response).end(event(ANSWER)));
      const { server, transport } = await rig(load, script, { headers: { "x-tenant": "a" } });
      transport.bind(SESSION);
      const recorder = send(transport);
      expect(await recorder.received()).toEqual([JSON.parse(ANSWER)]);
      const [, got] = server.seen;
      expect(got).toMatchObject({
        method: "GET",
        body: "",
        headers: {
          accept: "text/event-stream",
          "last-event-id": "a1",
          "mcp-session-id": "s1",
          "mcp-protocol-version": "2025-11-25",
          "x-tenant": "a",
        },
      });
    });

    it("go on as often as each time brings something", async () => {
      const gets = Array.from({ length: 8 }, (_, n) => (response: ServerResponse) => {
        stream(response).end(event(note(n), { id: `b${n}` }));
      });
      const first = event(note(-1), { id: "b", retry: "1" });
      const last = (response: ServerResponse) => void stream(response).end(event(ANSWER));
      const { server, transport } = await rig(load, breaking(first, ...gets, last));
      transport.bind(SESSION);
      expect(await send(transport).received(10)).toHaveLength(10);
      const cursors = server.seen.map(({ headers }) => headers["last-event-id"]);
      expect(cursors).toEqual([undefined, "b", "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"]);
    });

    it("go on over failures that may pass", async () => {
      const { server, transport } = await rig(
        load,
        breaking(
          event("", { id: "a", retry: "1" }),
          (response) => response.destroy(),
          (response) => response.writeHead(503, { "retry-after": "0" }).end(),
          (response) => void stream(response).end(event(ANSWER)),
        ),
      );
      transport.bind(SESSION);
      expect(await send(transport).received()).toHaveLength(1);
      expect(server.seen).toHaveLength(4);
    });

    it("are given up after attempts that brought nothing", async () => {
      const empty = (response: ServerResponse) => void stream(response).end();
      const script = breaking(
        event("", { id: "a", retry: "1" }),
        empty,
        empty,
        empty,
        empty,
        empty,
      );
      const { server, transport } = await rig(load, script);
      transport.bind(SESSION);
      // The server had begun with it, so that repeating it is not harmless.
      expect(await send(transport).failed()).toMatchObject({
        code: "connection_lost",
        retry: "if-idempotent",
        cause: { code: "stream_exhausted" },
      });
      expect(server.seen).toHaveLength(4);
    });

    it.each([
      [405, "connection_lost"],
      [400, "connection_lost"],
      [404, "session_lost"],
    ])("are given up when the GET is answered %i", async (status, code) => {
      const script = breaking(event("", { id: "a" }), (response) =>
        response.writeHead(status).end(),
      );
      const { server, transport } = await rig(load, script);
      transport.bind(SESSION);
      expect(await send(transport).failed()).toMatchObject({
        code,
        retry: "if-idempotent",
        status,
      });
      expect(server.seen).toHaveLength(2);
    });

    it.each([
      ["events had no id", event(note(1)), SESSION],
      ["the id cannot be sent", event(note(1), { id: "ä€" }), SESSION],
      [
        "the server took the cursor back",
        event(note(1), { id: "a" }) + event(note(2), { id: "" }),
        SESSION,
      ],
      ["streams are not resumable", event(note(1), { id: "a" }), { ...SESSION, resumable: false }],
    ])("fail at once when %s", async (_why, first, binding) => {
      const { server, transport } = await rig(load, breaking(first));
      transport.bind(binding);
      expect(await send(transport).failed()).toMatchObject({ code: "connection_lost" });
      expect(server.seen).toHaveLength(1);
    });

    it("wait as long as retry says, or not at all when that is too long", async () => {
      const script = breaking(event("", { id: "a", retry: "60000" }));
      const { server, transport } = await rig(load, script);
      transport.bind(SESSION);
      expect(await send(transport).failed()).toMatchObject({ cause: { code: "stream_exhausted" } });
      expect(server.seen).toHaveLength(1);
    });

    it("are not opened again for a request that was abandoned meanwhile", async () => {
      let broken = 0;
      const logger = { ...SILENT, debug: () => void broken++ };
      const script: Script = (seen, response) => {
        const cursor = seen.method === "POST" ? `c${JSON.parse(seen.body).id}` : "d";
        stream(response).end(event(note(1), { id: cursor, retry: "30" }));
      };
      const { server, transport } = await rig(load, script, { logger });
      transport.bind(SESSION);
      const abandoned = send(transport, { id: 1 });
      await until(() => broken === 1);
      transport.abandon(1);
      // Its timer is the younger: when its GET has come, the other would have.
      send(transport, { id: 2 });
      const cursors = () => server.seen.flatMap(({ headers }) => headers["last-event-id"] ?? []);
      await until(() => cursors().includes("c2"));
      expect(cursors()).not.toContain("c1");
      expect(abandoned.failures).toBe(0);
    });

    it("fail with closed when the transport is closed meanwhile", async () => {
      const { transport } = await rig(load, breaking(event(note(1), { id: "a", retry: "30" })));
      transport.bind(SESSION);
      const recorder = send(transport);
      await recorder.received();
      await transport.close();
      expect(recorder.failure).toMatchObject({ code: "closed" });
    });
  });

  describe("of the server", () => {
    it("bring what belongs to no request", async () => {
      const { server, transport, events } = await rig(load, (_, response) => {
        stream(response).write(`${event("", { id: "1" })}${event("{")}${event(note(1))}`);
      });
      transport.bind(SESSION);
      expect(await transport.openServerStream()).toBe(true);
      await until(() => events.messages.length === 1);
      expect(events.messages).toEqual([JSON.parse(note(1))]);
      expect(events.states).toEqual(["open"]);
      expect(server.seen[0]).toMatchObject({
        method: "GET",
        headers: { accept: "text/event-stream", "mcp-session-id": "s1" },
      });
    });

    it("may not exist", async () => {
      const { transport, events } = await rig(load, (_, response) => response.writeHead(405).end());
      transport.bind(SESSION);
      expect(await transport.openServerStream()).toBe(false);
      expect(events.states).toEqual([]);
    });

    it.each<[string, Script, object]>([
      ["404", (_, to) => to.writeHead(404).end(), { code: "session_lost" }],
      ["503", (_, to) => to.writeHead(503).end(), { code: "http_status", status: 503 }],
      ["JSON", (_, to) => json(to, "{}"), { code: "invalid_response" }],
      ["nothing", ({ socket }) => socket.destroy(), { code: "connection_lost" }],
    ])("cannot be opened: %s", async (_what, script, expected) => {
      const { transport, server } = await rig(load, script);
      transport.bind(SESSION);
      await expect(transport.openServerStream()).rejects.toMatchObject(expected);
      expect(server.seen).toHaveLength(1);
    });

    it("are opened again when they break, from where they were", async () => {
      const { server, transport, events } = await rig(load, (_, response, index) => {
        if (index === 1) response.writeHead(502).end();
        else stream(response).write(event(note(index), { id: `e${index}` }));
        if (index === 0) setTimeout(() => response.destroy(), 5);
        if (index === 2) setTimeout(() => response.end(), 5);
      });
      transport.bind(SESSION);
      await transport.openServerStream();
      await until(() => events.messages.length === 3);
      expect(events.states).toEqual([
        "open",
        "interrupted",
        "interrupted",
        "open",
        "interrupted",
        "open",
      ]);
      const cursors = server.seen.map(({ headers }) => headers["last-event-id"]);
      expect(cursors).toEqual([undefined, "e0", "e0", "e2"]);
    });

    it("are not opened again without a pause, whatever the server asks", async () => {
      const waits: number[] = [];
      const clock: Clock = {
        now: () => systemClock.now(),
        after: (delayMs, callback) => {
          waits.push(delayMs);
          return systemClock.after(delayMs, callback);
        },
      };
      const script: Script = (_, response, index) =>
        stream(response).end(event(note(index), { retry: "0" }));
      const { transport, events } = await rig(load, script, { clock });
      transport.bind(SESSION);
      await transport.openServerStream();
      await until(() => events.messages.length >= 4);
      expect(waits).toEqual(expect.arrayContaining([10, 20, 40]));
      expect(waits).not.toContain(0);
    });

    it.each<[string, Script, object]>([
      ["attempts bring nothing", (_, to) => void stream(to).end(), { code: "stream_exhausted" }],
      ["the session is gone", (_, to) => to.writeHead(404).end(), { code: "session_lost" }],
      [
        "an event is too large",
        (_, to) => stream(to).write("a".repeat(600_000)),
        { code: "response_too_large" },
      ],
      [
        "the server asks for a wait past the budget",
        (_, to) => to.writeHead(503, { "retry-after": "60" }).end(),
        { code: "stream_exhausted" },
      ],
    ])("end for good when %s", async (_why, later, expected) => {
      const { transport, events } = await rig(load, (seen, response, index) => {
        if (index === 0) stream(response).end(event(note(0)));
        else later(seen, response, index);
      });
      transport.bind(SESSION);
      await transport.openServerStream();
      await until(() => events.states.includes("ended"));
      expect(events.errors.at(-1)).toMatchObject(expected);
      expect(events.closed).toBeUndefined();
    });

    it("are closed in silence with the transport", async () => {
      let closed = false;
      const { transport, events } = await rig(load, (_, response) => {
        stream(response).on("close", () => {
          closed = true;
        });
      });
      transport.bind(SESSION);
      await transport.openServerStream();
      await transport.close();
      await until(() => closed);
      expect(events.states).toEqual(["open"]);
    });

    it("that are being opened fail when the transport is closed", async () => {
      const { server, transport } = await rig(load, () => {});
      const opening = transport.openServerStream();
      const outcome = expect(opening).rejects.toMatchObject({ code: "closed" });
      await until(() => server.seen.length === 1);
      await transport.close();
      await outcome;
    });
  });

  describe("the end of a session", () => {
    it("is a DELETE that names it", async () => {
      const { server, transport } = await rig(load, (_, response) => response.writeHead(204).end());
      await transport.endSession();
      expect(server.seen).toEqual([]);
      transport.bind(SESSION);
      await transport.endSession();
      expect(server.seen).toMatchObject([
        { method: "DELETE", headers: { "mcp-session-id": "s1" } },
      ]);
    });

    it.each<[string, Script]>([
      ["405", (_, response) => response.writeHead(405).end()],
      ["a reset", ({ socket }) => socket.resetAndDestroy()],
      ["nothing", () => {}],
      ["a body without end", (_, response) => void stream(response)],
    ])("does not mind %s", async (_what, script) => {
      const { transport } = await rig(load, script, { endSessionTimeoutMs: 30 });
      transport.bind(SESSION);
      await expect(transport.endSession()).resolves.toBeUndefined();
    });
  });
});

describe("event streams on undici alone", () => {
  it("leave the connection in use when the server ends them", async () => {
    const [[, load]] = SENDERS as [(typeof SENDERS)[number]];
    const script: Script = (seen, response) => {
      stream(response).write(event(answerTo(seen)));
      setImmediate(() => response.end());
    };
    // With one socket the next request waits for the end of the stream before it.
    const { server, transport } = await rig(load, script, { maxSockets: 1 });
    for (let id = 1; id <= 3; id++) await send(transport, { id }).received();
    expect(server.sockets).toBe(1);
  });
});
