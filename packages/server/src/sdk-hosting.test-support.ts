import type { Principal } from "@backplane/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { textOf } from "./input-peer.test-support.ts";
import { FIXTURE_TOOLS } from "./sdk-fixture.test-support.ts";
import { ERAS, type HostingSdk, type Loose, Rigs, WANTS_LOGS } from "./sdk-rig.test-support.ts";

const ALICE: Principal = {
  id: "alice",
  issuer: "test",
  clientId: "app",
  scopes: ["read"],
  roles: ["admin"],
  claims: { team: "blue" },
  expiresAtMs: 1_900_000_000_999,
};

/** What a client gets from a hosted server, whichever SDK that was written for and whichever era the client is of. */
export function hostingSuite(sdk: HostingSdk): void {
  const rigs = new Rigs(sdk);
  afterEach(() => rigs.close());

  describe.each(ERAS)("%s client", (era) => {
    it("sees the hosted tools as they were written", async () => {
      const { client } = await rigs.open();
      const tools = await (await client(era)).list("tools/list", "tools");
      expect(tools.map(({ name }) => name)).toEqual(Object.keys(FIXTURE_TOOLS).toSorted());
      expect(tools.find(({ name }) => name === "add")).toMatchObject({
        title: "Title of add",
        description: "Does add",
        annotations: { readOnlyHint: true },
        _meta: { "test/tool": "add" },
        inputSchema: { type: "object", required: ["a", "b"] },
        outputSchema: { type: "object", required: ["sum"] },
      });
    });

    it("calls a tool and gets its whole result", async () => {
      const { client } = await rigs.open();
      const { result } = await (await client(era)).call("add", { args: { a: 2, b: 3 } });
      expect(result).toMatchObject({
        content: [{ type: "text", text: '{"sum":5}' }],
        structuredContent: { sum: 5 },
      });
    });

    it("gets a hosted failure as a result, and a wrong argument named", async () => {
      const { client } = await rigs.open();
      const peer = await client(era);
      const failed = await peer.call("fail");
      expect(failed.result).toMatchObject({ isError: true });
      expect(textOf(failed)).toBe("the hosted tool failed");
      const wrong = await peer.call("add", { args: { a: "2", b: 3 } });
      expect(wrong.result).toMatchObject({ isError: true });
      expect(textOf(wrong)).toContain('tool "add": a');
    });

    it("reads prompts, resources and templates", async () => {
      const { client } = await rigs.open();
      const peer = await client(era);
      expect(await peer.list("prompts/list", "prompts")).toMatchObject([
        { name: "greet", title: "Greet", arguments: [{ name: "name", required: true }] },
      ]);
      const prompt = { name: "greet", arguments: { name: "Ada" } };
      expect((await peer.request("prompts/get", prompt)).result).toMatchObject({
        description: "A greeting",
        messages: [{ role: "user", content: { type: "text", text: "Greet Ada" } }],
      });
      expect(await peer.list("resources/list", "resources")).toMatchObject([
        { uri: "memo://one", name: "memo", description: "One memo", mimeType: "text/plain" },
      ]);
      expect(await peer.list("resources/templates/list", "resourceTemplates")).toMatchObject([
        { uriTemplate: "note://{id}", name: "note" },
      ]);
      const memo = await peer.request("resources/read", { uri: "memo://one" });
      expect(memo.result).toMatchObject({ contents: [{ uri: "memo://one", text: "remember" }] });
      const note = await peer.request("resources/read", { uri: "note://7" });
      expect(note.result).toMatchObject({ contents: [{ uri: "note://7", text: "note 7" }] });
    });

    it("gets the code, message and data of a hosted error", async () => {
      const { client } = await rigs.open();
      const { error } = await (await client(era)).request("resources/read", { uri: "note://gone" });
      expect(error).toMatchObject({ code: -31_999, data: { id: "gone" } });
      expect(error?.message).toContain("no such note");
    });

    it("completes prompt arguments and template variables", async () => {
      const { client } = await rigs.open();
      const peer = await client(era);
      const forPrompt = await peer.request("completion/complete", {
        ref: { type: "ref/prompt", name: "greet" },
        argument: { name: "name", value: "A" },
      });
      expect(forPrompt.result).toMatchObject({ completion: { values: ["Ada", "Alan"] } });
      const forTemplate = await peer.request("completion/complete", {
        ref: { type: "ref/resource", uri: "note://{id}" },
        argument: { name: "id", value: "f" },
      });
      expect(forTemplate.result).toMatchObject({ completion: { values: ["first"] } });
    });

    it("hears of progress under its own token", async () => {
      const { client } = await rigs.open();
      const peer = await client(era);
      await peer.call("count", { args: { to: 2 }, meta: { progressToken: "mine" } });
      expect(peer.received("notifications/progress")).toEqual([
        { progressToken: "mine", progress: 1, total: 2, message: "step 1" },
        { progressToken: "mine", progress: 2, total: 2, message: "step 2" },
      ]);
    });

    it("gets the log messages of its own calls, from its own level on", async () => {
      const { client } = await rigs.open();
      const [peer, other] = [await client(era), await client(era)];
      if (era === "legacy") await peer.request("logging/setLevel", { level: "warning" });
      await peer.call("log", { meta: era === "modern" ? WANTS_LOGS : {} });
      expect(peer.received("notifications/message")).toEqual([
        { level: "warning", logger: "hosted-logger", data: "loud" },
      ]);
      expect(other.received("notifications/message")).toEqual([]);
    });

    it("is known to the hosted handler by its principal, with its own _meta", async () => {
      const { client } = await rigs.open();
      const meta = { traceparent: "00-1-2-00", "vendor.example/tenant": "t1" };
      const peer = await client(era, ALICE);
      expect(JSON.parse(textOf(await peer.call("whoami", { meta })) ?? "")).toEqual({
        authInfo: {
          token: "",
          clientId: "app",
          scopes: ["read"],
          expiresAt: 1_900_000_000,
          extra: {
            principalId: "alice",
            issuer: "test",
            roles: ["admin"],
            claims: { team: "blue" },
          },
        },
        meta,
      });
      const anonymous = await (await client(era)).call("whoami");
      expect(JSON.parse(textOf(anonymous) ?? "")).toEqual({ meta: {} });
    });

    it("ends the hosted call by cancelling its own", async () => {
      const { client, fixture } = await rigs.open();
      const peer = await client(era);
      const { id } = peer.startCall("wait");
      await vi.waitFor(() => expect(fixture.state.events).toEqual(["wait started"]));
      peer.cancel(id);
      await vi.waitFor(() =>
        expect(fixture.state.events).toEqual(["wait started", "wait aborted"]),
      );
    });

    it("ends the hosted call when a deadline of Backplane does", async () => {
      const { client, fixture } = await rigs.open({
        toolOptions: ({ name }) => (name === "wait" ? { deadlines: { totalMs: 60 } } : {}),
      });
      const { error } = await (await client(era)).call("wait");
      expect(error?.code).toBe(-1504);
      await vi.waitFor(() => expect(fixture.state.events).toContain("wait aborted"));
    });

    it("is told of tools that come and go", async () => {
      const { client, fixture, server } = await rigs.open();
      const peer = await client(era);
      const listening =
        era === "modern"
          ? peer.start("subscriptions/listen", { notifications: { toolsListChanged: true } })
          : undefined;
      await vi.waitFor(async () => {
        server.tool("probe", {}, () => "");
        server.removeTool("probe");
        await Promise.resolve();
        expect(peer.received("notifications/tools/list_changed").length).toBeGreaterThan(0);
      });
      const before = peer.received("notifications/tools/list_changed").length;
      fixture.addTool("later");
      await vi.waitFor(() =>
        expect(peer.received("notifications/tools/list_changed").length).toBeGreaterThan(before),
      );
      expect(textOf(await peer.call("later"))).toBe("later");
      fixture.removeTool("later");
      await vi.waitFor(async () => {
        const { error } = await peer.call("later");
        expect(error?.code).toBe(-32602);
      });
      if (listening !== undefined) peer.cancel(listening.id);
    });

    it("is told of resources that change, once it has subscribed", async () => {
      const { client, fixture } = await rigs.open();
      const peer = await client(era);
      if (era === "modern") {
        peer.start("subscriptions/listen", {
          notifications: { resourceSubscriptions: ["memo://one", "note://4", "other://x"] },
        });
        await vi.waitFor(() =>
          expect(peer.received("notifications/subscriptions/acknowledged")).toHaveLength(1),
        );
      } else {
        await peer.request("resources/subscribe", { uri: "memo://one" });
        await peer.request("resources/subscribe", { uri: "note://4" });
        await peer.request("resources/subscribe", { uri: "memo://one" });
      }
      // Each once, and only what the hosted server serves.
      expect(fixture.state.subscribed).toEqual(["memo://one", "note://4"]);
      await fixture.sendResourceUpdated("note://4");
      await vi.waitFor(() =>
        expect((peer.received("notifications/resources/updated") as Loose[])[0]?.uri).toBe(
          "note://4",
        ),
      );
    });
  });
}
