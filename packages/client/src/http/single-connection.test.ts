import { afterEach, describe, expect, it } from "vitest";
import type { ResponseReceiver } from "../transport.ts";
import {
  answerTo,
  EventLog,
  json,
  optionsFor,
  ping,
  Recorder,
  type Script,
  ScriptedServer,
  until,
} from "./http-rig.test-support.ts";
import { HttpTransport } from "./http-transport.ts";

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A transport that may have one socket, and its server. */
async function rig(script: Script) {
  const server = await ScriptedServer.open(script);
  const transport = new HttpTransport(optionsFor(server.url, { maxSockets: 1 }));
  closing.push(
    () => server.close(),
    () => transport.close(),
  );
  await transport.open(new EventLog());
  const send = (id: number): Recorder => {
    const recorder = new Recorder();
    transport.request(ping({ id }), recorder);
    return recorder;
  };
  return { server, transport, send };
}

const ids = Array.from({ length: 20 }, (_, index) => index + 1);

/** Closes the connection behind each answer, which promised to keep it. */
const closesUnannounced: Script = (seen, response) => {
  response.on("finish", () => seen.socket.end());
  json(response, answerTo(seen));
};

describe("requests over a single connection", () => {
  it("follow each other in their order, one at a time", async () => {
    let running = 0;
    let most = 0;
    const { server, send } = await rig((seen, response) => {
      most = Math.max(most, ++running);
      setImmediate(() => {
        running--;
        json(response, answerTo(seen));
      });
    });
    for (const recorder of ids.map(send)) await recorder.received();
    expect(server.seen.map(({ body }) => JSON.parse(body).id)).toEqual(ids);
    expect({ most, sockets: server.sockets }).toEqual({ most: 1, sockets: 1 });
  });

  it("are not lost to a server that closes behind its answers without saying so", async () => {
    const { server, send } = await rig(closesUnannounced);
    for (const recorder of ids.map(send)) await recorder.received();
    expect(server.sockets).toBe(ids.length);
  });

  it("are not lost to it either when each is sent inside the answer of the one before", async () => {
    const { server, transport } = await rig(closesUnannounced);
    let answers = 0;
    let failure: Error | undefined;
    const receiver: ResponseReceiver = {
      onMessage: () => {
        if (++answers < ids.length) transport.request(ping({ id: answers + 1 }), receiver);
      },
      onFailure: (error) => {
        failure = error;
      },
    };
    transport.request(ping(), receiver);
    await until(() => answers === ids.length || failure !== undefined);
    expect(failure).toBeUndefined();
    expect(server.sockets).toBe(ids.length);
  });

  it("go on over a new connection when one was broken off", async () => {
    const { server, send } = await rig((seen, response, index) => {
      if (index === 0) seen.socket.destroy();
      else json(response, answerTo(seen));
    });
    const [first, ...others] = ids.map(send);
    expect(await first?.failed()).toMatchObject({ code: "connection_lost" });
    for (const recorder of others) await recorder.received();
    expect(server.sockets).toBe(2);
  });

  it("are never sent when they were given up while they waited", async () => {
    const { server, transport, send } = await rig((seen, response) => {
      setTimeout(() => json(response, answerTo(seen)), 5);
    });
    const recorders = ids.map(send);
    const givenUp = ids.filter((id) => id > 1 && id % 2 === 0);
    for (const id of givenUp) transport.abandon(id);
    for (const [index, recorder] of recorders.entries()) {
      if (!givenUp.includes(index + 1)) await recorder.received();
    }
    expect(server.seen.map(({ body }) => JSON.parse(body).id % 2)).toEqual(Array(10).fill(1));
    expect(server.sockets).toBe(1);
  });

  it("fail with closed when the transport is closed, those that wait included", async () => {
    const { server, transport, send } = await rig(() => {});
    const recorders = ids.map(send);
    await until(() => server.seen.length === 1);
    await transport.close();
    for (const recorder of recorders) {
      expect(await recorder.failed()).toMatchObject({ code: "closed" });
    }
    expect(server.seen.length).toBe(1);
  });
});
