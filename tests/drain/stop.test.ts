import { Agent } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { listen, open, openModern, send } from "../protocol/harness/http.ts";
import { initialize, openSession } from "../protocol/harness/legacy-session.ts";
import {
  legacyRequest,
  metaSubscriptionId,
  type Params,
  textOf,
} from "../protocol/harness/messages.ts";
import { startServer } from "../protocol/harness/servers.ts";
import { eras } from "./harness/eras.ts";
import { expectRefused, expectUnavailable } from "./harness/expect-refused.ts";
import { HeldClock } from "./harness/held-clock.ts";
import { slowBus } from "./harness/slow-bus.ts";
import { Work } from "./harness/work.ts";

// Far longer than a test may take: what ends sooner was not ended by the clock.
const neverMs = 3_600_000;

const agents: Agent[] = [];

/** Keeps connections, so that `Connection: close` in an answer is the server's wish. */
function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true });
  agents.push(agent);
  return agent;
}

afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy();
});

describe.each(eras)("stop with $name calls", ({ connect }) => {
  it("goes through its steps in order", async () => {
    const drainDelayMs = 4_242;
    const clock = new HeldClock(drainDelayMs);
    const work = new Work();
    const start = { drainDelayMs, drainTimeoutMs: neverMs };
    const { server, url } = await startServer(work.register, { clock }, start);
    const client = await connect(url);
    const agent = keepAlive();
    const before = await client.call("plain", {}, agent);
    expect(before.headers.connection).toBe("keep-alive");
    const early = client.call("work", { name: "early" }, agent);
    const late = client.call("work", { name: "late" }, agent);
    await work.started("early");
    await work.started("late");

    const stopping = server.stop();
    expect(await send(new URL("/ready", url).href, { method: "GET" })).toMatchObject({
      status: 503,
      text: '{"status":"draining"}',
    });
    expect(await send(new URL("/health", url).href, { method: "GET" })).toMatchObject({
      status: 200,
    });
    const during = await (await connect(url)).call("plain", {}, agent);
    expect(textOf(during.message)).toBe("plain");
    expect(during.headers.connection).toBe("close");
    work.release("early");
    const answered = await early;
    expect(textOf(answered.message)).toBe("finished early");
    expect(answered.headers.connection).toBe("close");

    expect(clock.waiting).toBe(1);
    clock.fire();
    expectRefused(await client.call("plain", {}, agent), "draining");
    expect(await send(new URL("/ready", url).href, { method: "GET" })).toMatchObject({
      status: 503,
    });
    work.release("late");
    const finished = await late;
    expect(textOf(finished.message)).toBe("finished late");
    expect(finished.headers.connection).toBe("close");
    expect(await work.ended("late")).toEqual({ how: "returned", reason: undefined });
    await stopping;
    await expect(client.call("plain")).rejects.toThrow("ECONNREFUSED");
  });

  it("aborts a call that hangs by its signal, and answers it", async () => {
    const work = new Work();
    const { server, url } = await startServer(work.register, {}, { drainTimeoutMs: 100 });
    const client = await connect(url);
    const hung = client.call("work", { name: "hung" });
    const streaming = await client.open("work", { name: "streaming", talk: true });
    await Promise.all([work.started("hung"), work.started("streaming")]);
    const [answer] = await Promise.all([hung, server.stop()]);
    expectRefused(answer, "draining");
    const last = await streaming.until(({ method }) => method === undefined);
    expectUnavailable(last.error, "draining");
    await streaming.ended();
    for (const name of ["hung", "streaming"]) {
      const { how, reason } = await work.ended(name);
      expect(how).toBe("aborted");
      expect(reason).toMatchObject({ name: "AbortError" });
    }
  });

  it("does not wait for a handler that ignores its signal", async () => {
    let release: () => void = () => {};
    const started = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { server, url } = await startServer(
      (server) =>
        server.tool("deaf", {}, () => {
          release();
          return new Promise<string>(() => {});
        }),
      {},
      { drainTimeoutMs: 50 },
    );
    const answer = (await connect(url)).call("deaf");
    await started;
    await server.stop();
    expectRefused(await answer, "draining");
  });
});

describe("stop", () => {
  it("refuses a new session and a new stream, and lets a client answer what was asked", async () => {
    const schema = { type: "object", properties: { ok: { type: "boolean" } } } as const;
    const { server, url } = await startServer(
      (server) =>
        server.tool("ask", {}, async (_args, context) => {
          const { action } = await context.elicit("ok", { message: "Go on?", schema });
          return action;
        }),
      {},
      { drainTimeoutMs: neverMs },
    );
    const session = await openSession(url, { capabilities: { elicitation: {} } });
    const asking = await session.openTool("ask");
    const question = await asking.until(({ method }) => method === "elicitation/create");
    const stopping = server.stop();
    expectRefused(await initialize(url), "draining");
    expect((await session.get()).status).toBe(503);
    expect((await session.respond(question.id, { action: "decline" })).status).toBe(202);
    const answer = await asking.until(({ method }) => method === undefined);
    expect(textOf(answer)).toBe("decline");
    await stopping;
  });

  it("ends listen streams with their result and GET streams, while calls go on", async () => {
    const work = new Work();
    const { server, url } = await startServer(work.register, {}, { drainTimeoutMs: neverMs });
    const session = await openSession(url);
    const news = await session.get();
    const { stream } = await listen(url, { toolsListChanged: true }, { id: "listening" });
    const running = session.callTool("work", { name: "running" });
    await work.started("running");
    const stopping = server.stop();
    await Promise.all([stream.ended(), news.ended()]);
    const last = stream.messages.at(-1);
    expect(last?.id).toBe("listening");
    expect(last?.error).toBeUndefined();
    expect(last?.result?._meta?.[metaSubscriptionId]).toBe("listening");
    work.release("running");
    expect(textOf((await running).message)).toBe("finished running");
    await stopping;
  });

  it("keeps a stream of HTTP+SSE until its last running call is answered there", async () => {
    const work = new Work();
    const start = { drainTimeoutMs: neverMs };
    const { server, url } = await startServer(work.register, { legacySse: true }, start);
    const stream = await open(url, { method: "GET", headers: { accept: "text/event-stream" } });
    const endpoint = new URL((await stream.nextEvent())?.data as string, url).href;
    const post = async (method: string, params: Params, id: number): Promise<number> => {
      const headers = { "content-type": "application/json", accept: "application/json" };
      const body = legacyRequest(method, params, id);
      return (await send(endpoint, { headers, body })).status;
    };
    const clientInfo = { name: "client", version: "1" };
    const params = { protocolVersion: "2024-11-05", capabilities: {}, clientInfo };
    await post("initialize", params, 1);
    await stream.until(({ id }) => id === 1);
    for (const id of [2, 3]) {
      await post("tools/call", { name: "work", arguments: { name: `call ${id}` } }, id);
      await work.started(`call ${id}`);
    }

    const stopping = server.stop();
    expect(await post("tools/call", { name: "plain" }, 4)).toBe(202);
    expectUnavailable((await stream.until(({ id }) => id === 4)).error, "draining");
    for (const id of [2, 3]) {
      work.release(`call ${id}`);
      const answer = await stream.until((message) => message.id === id);
      expect(textOf(answer)).toBe(`finished call ${id}`);
    }
    await stream.ended();
    await stopping;
  });

  it("ends a listen stream that was still being opened", async () => {
    const { bus, openSubscription, subscribing } = slowBus();
    const options = { eventBus: bus };
    const { server, url } = await startServer(
      (server) => server.tool("plain", {}, () => ""),
      options,
      { drainTimeoutMs: neverMs },
    );
    const params = { notifications: { toolsListChanged: true } };
    const opening = openModern(url, "subscriptions/listen", params);
    await subscribing;
    const stopping = server.stop();
    openSubscription();
    const stream = await opening;
    await stream.ended();
    expect(stream.messages.at(-1)?.result).toBeDefined();
    await stopping;
  });
});
