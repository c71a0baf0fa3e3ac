import { describe, expect, it } from "vitest";
import { callTool, openModern } from "../protocol/harness/http.ts";
import { type LegacySession, openSession } from "../protocol/harness/legacy-session.ts";
import {
  legacyRequest,
  modernHeaders,
  modernRequest,
  textOf,
} from "../protocol/harness/messages.ts";
import { useServer } from "../protocol/harness/servers.ts";
import { Work } from "./harness/work.ts";

const work = new Work();
let looked: (signal: AbortSignal) => void = () => {};
let look: () => void = () => {};
let started: () => void = () => {};

const target = useServer((server) => {
  work.register(server);
  server.tool("looks_late", {}, async (_args, context) => {
    started();
    await new Promise<void>((resolve) => {
      look = resolve;
    });
    looked(context.signal);
    return "nobody reads this";
  });
});

/** A POST that its client gives up. */
function abandonable(headers: object, body: unknown): { giveUp(): Promise<void> } {
  const controller = new AbortController();
  const pending = fetch(target.url, {
    method: "POST",
    headers: headers as Record<string, string>,
    body: JSON.stringify(body),
    signal: controller.signal,
  }).then(
    () => undefined,
    () => undefined,
  );
  return {
    async giveUp() {
      controller.abort();
      await pending;
    },
  };
}

function legacyCall(session: LegacySession, id: number, name: string) {
  const params = { name: "work", arguments: { name } };
  return abandonable(session.headers, legacyRequest("tools/call", params, id));
}

describe("the signal of a modern call", () => {
  it("fires when the client disconnects before the answer began", async () => {
    const body = modernRequest("tools/call", { name: "work", arguments: { name: "silent" } });
    const call = abandonable(modernHeaders(body), body);
    await work.started("silent");
    await call.giveUp();
    const { how, reason } = await work.ended("silent");
    expect(how).toBe("aborted");
    expect(reason).toMatchObject({ name: "AbortError", message: "the client disconnected" });
  });

  it("fires when the client closes the answer's stream", async () => {
    const params = { name: "work", arguments: { name: "streaming", talk: true } };
    const stream = await openModern(target.url, "tools/call", params, {
      meta: { progressToken: 1 },
    });
    await stream.next();
    stream.close();
    expect(await work.ended("streaming")).toMatchObject({ how: "aborted" });
  });

  it("has fired for a handler that looks at it only afterwards", async () => {
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const seen = new Promise<AbortSignal>((resolve) => {
      looked = resolve;
    });
    const body = modernRequest("tools/call", { name: "looks_late", arguments: {} });
    const call = abandonable(modernHeaders(body), body);
    await running;
    await call.giveUp();
    // A later request that was answered shows that the server has seen the earlier one's end.
    await callTool(target.url, "plain");
    look();
    const signal = await seen;
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    expect(signal.reason).toMatchObject({ name: "AbortError" });
  });

  it("does not fire for its neighbours", async () => {
    const staying = callTool(target.url, "work", { name: "staying" });
    const body = modernRequest("tools/call", { name: "work", arguments: { name: "leaving" } });
    const call = abandonable(modernHeaders(body), body);
    await Promise.all([work.started("staying"), work.started("leaving")]);
    await call.giveUp();
    await work.ended("leaving");
    work.release("staying");
    expect(textOf((await staying).message)).toBe("finished staying");
    expect(await work.ended("staying")).toEqual({ how: "returned", reason: undefined });
  });
});

describe("the signal of a legacy call", () => {
  it("fires at notifications/cancelled, and nothing is answered", async () => {
    const session = await openSession(target.url);
    const id = session.newId();
    const params = { name: "work", arguments: { name: "cancelled" } };
    const answer = session.post(legacyRequest("tools/call", params, id));
    await work.started("cancelled");
    await session.notify("notifications/cancelled", { requestId: id, reason: "changed my mind" });
    const { how, reason } = await work.ended("cancelled");
    expect(how).toBe("aborted");
    expect(reason).toMatchObject({ name: "AbortError", message: "changed my mind" });
    expect((await answer).messages).toEqual([]);
  });

  it("does not fire at the cancellation of another session's request of that id", async () => {
    const session = await openSession(target.url);
    const other = await openSession(target.url);
    const id = session.newId();
    const params = { name: "work", arguments: { name: "guarded" } };
    const answer = session.post(legacyRequest("tools/call", params, id));
    await work.started("guarded");
    await other.notify("notifications/cancelled", { requestId: id });
    await other.end();
    work.release("guarded");
    expect(textOf((await answer).message)).toBe("finished guarded");
  });

  it("fires when the session is deleted, for every call of it", async () => {
    const session = await openSession(target.url);
    const silent = session.callTool("work", { name: "deleted" });
    const talking = await session.openTool(
      "work",
      { name: "deleted_talking", talk: true },
      { progressToken: 1 },
    );
    await Promise.all([work.started("deleted"), work.started("deleted_talking")]);
    expect((await session.end()).status).toBe(200);
    for (const name of ["deleted", "deleted_talking"]) {
      const { how, reason } = await work.ended(name);
      expect(how).toBe("aborted");
      expect(reason).toMatchObject({ name: "AbortError", message: "the session has ended" });
    }
    expect((await silent).messages).toEqual([]);
    await talking.ended();
    expect((await session.request("ping")).status).toBe(404);
  });

  it("does not fire when the client disconnects, before or within its stream", async () => {
    const session = await openSession(target.url);
    const silent = legacyCall(session, session.newId(), "left");
    const talking = await session.openTool(
      "work",
      { name: "left_talking", talk: true },
      { progressToken: 1 },
    );
    await Promise.all([work.started("left"), work.started("left_talking")]);
    await talking.next();
    const lastId = talking.events.at(-1)?.id;
    talking.close();
    await silent.giveUp();
    // The session goes on, and so does what it asked for.
    expect((await session.request("ping")).status).toBe(200);
    work.release("left");
    work.release("left_talking");
    for (const name of ["left", "left_talking"]) {
      expect(await work.ended(name)).toEqual({ how: "returned", reason: undefined });
    }
    const resumed = await session.get(lastId);
    const answer = await resumed.until(({ method }) => method === undefined);
    expect(textOf(answer)).toBe("finished left_talking");
  });
});
