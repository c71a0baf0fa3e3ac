import type { Principal } from "@backplane/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Members, textOf } from "./input-peer.test-support.ts";
import { ERAS, type HostingSdk, Rigs } from "./sdk-rig.test-support.ts";

const ALICE: Principal = { id: "alice", scopes: [], roles: [] };
const BOB: Principal = { id: "bob", scopes: [], roles: [] };

function answerAll(method: string, params: Members): unknown {
  if (method === "roots/list") return { roots: [{ uri: "file:///home" }] };
  if (method === "sampling/createMessage") {
    return { role: "assistant", model: "m1", content: { type: "text", text: "hi" } };
  }
  if (params.mode === "url") return { action: "accept" };
  const content = params.message === "your age?" ? { age: 36 } : { name: "Ada" };
  return { action: "accept", content };
}

/** What a hosted server asks of clients, and of which. */
export function askingSuite(sdk: HostingSdk): void {
  const rigs = new Rigs(sdk);
  afterEach(() => rigs.close());

  describe.each(ERAS)("asking a %s client", (era) => {
    it("carries forms, sampling and roots, one after the other", async () => {
      const { client, fixture } = await rigs.open();
      const peer = await client(era);
      peer.answer = answerAll;
      const message = await peer.call("interview");
      expect(JSON.parse(textOf(message) ?? "")).toEqual({
        name: { name: "Ada" },
        age: { age: 36 },
        model: "m1",
        roots: ["file:///home"],
      });
      // In the modern era each question ends one run; a legacy handler waits for its answers.
      const runs = era === "modern" ? 5 : 1;
      expect(peer.rounds).toBe(runs);
      const { events } = fixture.state;
      expect(events.filter((event) => event === "interview started")).toHaveLength(runs);
      expect(events.filter((event) => event === "interview ended")).toHaveLength(1);
    });

    it("carries questions of one moment in one round", async () => {
      const { client } = await rigs.open();
      const peer = await client(era);
      peer.answer = answerAll;
      const message = await peer.call("pair");
      expect(JSON.parse(textOf(message) ?? "")).toEqual([{ name: "Ada" }, { age: 36 }]);
      expect(peer.rounds).toBe(era === "modern" ? 2 : 1);
    });

    it("carries pages to open, and what is declined", async () => {
      const { client } = await rigs.open();
      const peer = await client(era);
      const asked: Members[] = [];
      peer.answer = (_method, params) => {
        asked.push(params);
        return { action: "decline" };
      };
      const message = await peer.call("open_page");
      expect(JSON.parse(textOf(message) ?? "")).toEqual({ action: "decline" });
      expect(asked[0]).toMatchObject({
        mode: "url",
        message: "look at this",
        url: "https://example.test/page",
      });
    });

    it("tells the hosted handler what its client cannot be asked", async () => {
      const { client } = await rigs.open();
      const peer = await client(era, undefined, {});
      const message = await peer.call("interview");
      expect(message.result).toMatchObject({ isError: true });
      expect(textOf(message)).toContain("Missing client capability: elicitation");
    });

    it("asks each client what its own call asks", async () => {
      const { client, fixture } = await rigs.open();
      const [alice, bob] = [await client(era, ALICE), await client(era, BOB)];
      const asked: Record<string, unknown[]> = { alice: [], bob: [] };
      for (const [name, peer] of Object.entries({ alice, bob })) {
        peer.answer = (_method, { message }) => {
          asked[name]?.push(message);
          return { action: "accept", content: { name } };
        };
      }
      const answers = Promise.all([
        alice.call("hold", { args: { id: "a" } }),
        bob.call("hold", { args: { id: "b" } }),
      ]);
      await vi.waitFor(() => expect(fixture.state.events).toEqual(["hold a", "hold b"]));
      fixture.state.open();
      const [forAlice, forBob] = await answers;
      expect(JSON.parse(textOf(forAlice) ?? "")).toEqual({ id: "a", content: { name: "alice" } });
      expect(JSON.parse(textOf(forBob) ?? "")).toEqual({ id: "b", content: { name: "bob" } });
      expect(asked).toEqual({ alice: ["who are you, a?"], bob: ["who are you, b?"] });
    });

    it("asks nobody for a call that its client has given up", async () => {
      const { client, fixture } = await rigs.open();
      const [alice, bob] = [await client(era, ALICE), await client(era, BOB)];
      const asked: unknown[] = [];
      bob.answer = (_method, { message }) => {
        asked.push(message);
        return { action: "accept", content: { name: "bob" } };
      };
      const { id } = alice.startCall("hold", { id: "a" });
      await vi.waitFor(() => expect(fixture.state.events).toEqual(["hold a"]));
      alice.cancel(id);
      const forBob = bob.call("hold", { args: { id: "b" } });
      await vi.waitFor(() => expect(fixture.state.events).toEqual(["hold a", "hold b"]));
      fixture.state.open();
      expect(JSON.parse(textOf(await forBob) ?? "")).toEqual({
        id: "b",
        content: { name: "bob" },
      });
      expect(asked).toEqual(["who are you, b?"]);
      expect(alice.peer.asked).toEqual([]);
    });
  });

  it("ends a hosted run whose question is left open, whatever its handler does then", async () => {
    const { client, fixture } = await rigs.open();
    const peer = await client("modern");
    const { result } = await peer.request("tools/call", { name: "stubborn", arguments: {} });
    expect(result).toMatchObject({
      resultType: "input_required",
      inputRequests: { "elicitation-1": { params: { message: "your name?" } } },
    });
    await vi.waitFor(() =>
      expect(fixture.state.events).toEqual(["stubborn went on, aborted: true"]),
    );
  });

  it("turns the error that asks for a page into a question of the modern era", async () => {
    const { client, fixture } = await rigs.open();
    const peer = await client("modern");
    peer.answer = (_method, params) => {
      fixture.state.pageOpened = params.url === "https://example.test/sign-in";
      return { action: "accept" };
    };
    expect(textOf(await peer.call("needs_page"))).toBe("signed in");
    expect(peer.rounds).toBe(2);
  });

  it("answers with the error itself when the page did not help, and to a legacy client", async () => {
    const { client } = await rigs.open();
    const modern = await client("modern");
    modern.answer = () => ({ action: "accept" });
    const { error } = await modern.call("needs_page");
    expect(error).toMatchObject({ code: -32602, data: { elicitations: [{ message: "sign in" }] } });
    const legacy = await (await client("legacy")).call("needs_page");
    expect(legacy.error).toMatchObject({
      code: -32042,
      data: { elicitations: [{ url: "https://example.test/sign-in", elicitationId: "e2" }] },
    });
  });

  it("refuses questions outside a call, and gives log messages there to the operator", async () => {
    const { client, fixture, logged } = await rigs.open();
    const peer = await client("legacy");
    await expect(fixture.elicitOutside()).rejects.toThrow("outside a call that still runs");
    await fixture.logOutside();
    expect(logged).toContainEqual(
      expect.objectContaining({
        server: "hosted",
        level: "warning",
        data: "outside",
        message: "a hosted SDK server logged outside a call",
      }),
    );
    expect(peer.peer.asked).toEqual([]);
    expect(peer.received("notifications/message")).toEqual([]);
  });
}
