import type { ServerResponse } from "node:http";
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
  stream,
  until,
} from "./http-rig.test-support.ts";
import { LegacySseTransport } from "./legacy-sse-transport.ts";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Rig {
  readonly server: ScriptedServer;
  readonly transport: LegacySseTransport;
  readonly events: EventLog;
}

/** A server of 2024-11-05 and a transport that is not yet open. */
async function rig(
  load: LoadHttpSender,
  script: Script,
  more: Partial<HttpTransportOptions> = {},
): Promise<Rig> {
  const server = await ScriptedServer.open(script);
  closing.push(() => server.close());
  const transport = new LegacySseTransport(optionsFor(`${server.origin}/sse`, more), load);
  closing.push(() => transport.close());
  return { server, transport, events: new EventLog() };
}

/** Answers on the stream, as the book says. */
function book(endpoint = "/messages?session=1"): { script: Script; stream: () => ServerResponse } {
  let open: ServerResponse | undefined;
  return {
    script: (seen, response) => {
      if (seen.method === "GET") {
        open = stream(response);
        open.write(event(endpoint, { event: "endpoint" }));
        return;
      }
      response.writeHead(202).end("Accepted");
      if (seen.body.includes('"id"')) open?.write(event(answerTo(seen)));
    },
    stream: () => open as ServerResponse,
  };
}

function send(transport: LegacySseTransport, id = 1): Recorder {
  const recorder = new Recorder();
  transport.request(ping({ id }), recorder);
  return recorder;
}

describe.each(SENDERS)("LegacySseTransport on %s", (_name, load) => {
  it("posts to the endpoint, and matches the answers of the stream", async () => {
    const { server, transport, events } = await rig(load, book().script, {
      headers: { "x-a": "1" },
    });
    await transport.open(events);
    transport.bind({ protocolVersion: "2025-03-26", sessionId: undefined, resumable: false });
    const [one, two] = [send(transport, 1), send(transport, 2)];
    expect(await one.received()).toMatchObject([{ id: 1 }]);
    expect(await two.received()).toMatchObject([{ id: 2 }]);
    await transport.post('{"jsonrpc":"2.0","method":"n"}', []);
    const [got, ...posts] = server.seen;
    expect(got).toMatchObject({
      method: "GET",
      headers: { accept: "text/event-stream", "x-a": "1" },
    });
    expect(posts).toHaveLength(3);
    for (const post of posts) {
      expect(post).toMatchObject({
        method: "POST",
        url: "/messages?session=1",
        headers: {
          "content-type": "application/json",
          "x-a": "1",
          "mcp-protocol-version": "2025-03-26",
        },
      });
    }
  });

  it("hands over what belongs to no request, late answers included", async () => {
    const { script, stream: open } = book();
    const { transport, events } = await rig(load, script);
    await transport.open(events);
    open().write(event('{"jsonrpc":"2.0","method":"n"}') + event('{"id":99,"result":{}}'));
    await until(() => events.messages.length === 2);
    expect(events.messages).toMatchObject([{ method: "n" }, { id: 99 }]);
  });

  it("forgets what was abandoned", async () => {
    const { transport, events } = await rig(load, book().script);
    await transport.open(events);
    const recorder = send(transport);
    transport.abandon(1);
    transport.abandon(1);
    await send(transport, 2).received();
    expect(recorder).toMatchObject({ messages: [], failures: 0 });
  });

  it.each([
    ["another host", () => "http://attacker.invalid/x"],
    ["another port", () => "http://127.0.0.1:1/x"],
    ["another scheme", () => "file:///etc/passwd"],
    ["credentials", (origin: string) => origin.replace("://", "://user:pw@")],
    ["nothing that can be read", () => "http://["],
  ])("refuses an endpoint with %s", async (_what, endpoint) => {
    const { server, transport, events } = await rig(load, (_, response) => {
      stream(response).write(event(endpoint(server.origin), { event: "endpoint" }));
    });
    await expect(transport.open(events)).rejects.toMatchObject({
      code: "invalid_response",
      message: expect.stringContaining("not of the origin"),
    });
    expect(server.seen).toHaveLength(1);
  });

  it("takes an absolute endpoint of the same origin", async () => {
    const { server, transport, events } = await rig(load, (seen, response) => {
      if (seen.method === "GET") {
        stream(response).write(event(`${server.origin}/abs`, { event: "endpoint" }));
      } else response.writeHead(202).end();
    });
    await transport.open(events);
    await transport.post("{}", []);
    expect(server.seen[1]?.url).toBe("/abs");
  });

  it.each<[string, Script, object]>([
    ["405", (_, to) => to.writeHead(405).end(), { code: "http_status", status: 405 }],
    ["404", (_, to) => to.writeHead(404).end(), { code: "http_status", status: 404 }],
    ["401", (_, to) => to.writeHead(401).end(), { code: "unauthorized" }],
    ["JSON", (_, to) => json(to, "{}"), { code: "invalid_response" }],
    ["an end", (_, to) => void stream(to).end(), { code: "connection_lost" }],
    ["a message first", (_, to) => stream(to).write(event("{}")), { code: "invalid_response" }],
    [
      "silence",
      (_, to) => void stream(to),
      {
        code: "invalid_response",
        message: expect.stringContaining("no endpoint event within 40 ms"),
      },
    ],
  ])("is not opened by %s", async (_what, script, expected) => {
    const { transport, events } = await rig(load, script, { connectTimeoutMs: 40 });
    await expect(transport.open(events)).rejects.toMatchObject(expected);
    expect(events.closed).toBeUndefined();
  });

  it("fails a request whose POST is refused, and only that", async () => {
    const { script } = book();
    const { transport, events } = await rig(load, (seen, response, index) => {
      if (index === 1) response.writeHead(500).end();
      else if (index === 2) response.writeHead(404).end();
      else script(seen, response, index);
    });
    await transport.open(events);
    expect(await send(transport).failed()).toMatchObject({ code: "http_status", status: 500 });
    await expect(transport.post("{}", [])).rejects.toMatchObject({ code: "session_lost" });
    expect(await send(transport).received()).toHaveLength(1);
  });

  it.each<[string, (to: ServerResponse) => void, string]>([
    ["ends", (to) => to.end(), "connection_lost"],
    ["breaks", (to) => to.destroy(), "connection_lost"],
    ["is not JSON", (to) => to.write(event("{")), "invalid_response"],
    ["has too large an event", (to) => to.write("a".repeat(600_000)), "response_too_large"],
  ])("has ended when the stream %s", async (_what, act, code) => {
    const { script, stream: open } = book();
    const { transport, events } = await rig(load, (seen, response, index) => {
      if (index === 0) script(seen, response, index);
      else response.writeHead(202).end();
    });
    await transport.open(events);
    const recorder = send(transport);
    act(open());
    expect(await recorder.failed()).toMatchObject({ code });
    expect(events.closed).toMatchObject({ code });
    expect(await send(transport).failed()).toMatchObject({ code: "closed" });
  });

  it("fails what waits when it is closed, opening included", async () => {
    const { script } = book();
    const silent: Script = (seen, response, index) => {
      if (index === 0) script(seen, response, index);
    };
    const { transport, events, server } = await rig(load, silent);
    await transport.open(events);
    const recorder = send(transport);
    const posted = expect(transport.post("{}", [])).rejects.toMatchObject({ code: "closed" });
    await until(() => server.seen.length === 3);
    await transport.close();
    await posted;
    expect(recorder.failure).toMatchObject({ code: "closed" });
    expect(events.closed).toBeUndefined();

    const other = await rig(load, () => {});
    const opening = expect(other.transport.open(events)).rejects.toMatchObject({ code: "closed" });
    await until(() => other.server.seen.length === 1);
    await other.transport.close();
    await opening;
  });
});
