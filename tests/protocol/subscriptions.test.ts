import { describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import { callTool, listen, modern, openModern } from "./harness/http.ts";
import { metaSubscriptionId } from "./harness/messages.ts";
import { startServer, useServer } from "./harness/servers.ts";

const everything = useEverything();
const target = useServer((server) => {
  server.tool("fixed", {}, () => "fixed");
  server.prompt("fixed", {}, () => "fixed");
  server.resource("test://watched", {}, () => "watched");
  server.resource("test://other", {}, () => "other");
});

let counter = 0;

/** Changes the list of tools; the change that the test waits for comes after whatever came before. */
function changeTools(): void {
  target.server.tool(`extra_${counter++}`, {}, () => "").remove();
}

const all = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
  resourceSubscriptions: ["test://watched"],
};

describe("subscriptions/listen", () => {
  it.each([7, "seven"])(
    "[S26-08, S26-32b] acknowledges first, tagged with the id %j",
    async (id) => {
      const { stream, acknowledgement } = await listen(target.url, all, { id });
      expect(stream.headers["content-type"]).toMatch(/^text\/event-stream/);
      expect(stream.headers["x-accel-buffering"]).toBe("no");
      expect(acknowledgement).toEqual({
        jsonrpc: "2.0",
        method: "notifications/subscriptions/acknowledged",
        params: { _meta: { [metaSubscriptionId]: id }, notifications: all },
      });
      stream.close();
    },
  );

  it("[S26-08] tags every notification with the id of its own listen request", async () => {
    const { stream } = await listen(target.url, all, { id: "mine" });
    const other = await listen(target.url, all, { id: 42 });
    changeTools();
    target.server.prompt(`extra_${counter++}`, {}, () => "").remove();
    target.server.resource(`test://extra/${counter++}`, {}, () => "").remove();
    target.server.resourceUpdated("test://watched");
    const wanted = [
      "notifications/tools/list_changed",
      "notifications/prompts/list_changed",
      "notifications/resources/list_changed",
      "notifications/resources/updated",
    ];
    for (const [{ stream: open }, id] of [
      [{ stream }, "mine"],
      [other, 42],
    ] as const) {
      const seen = new Set<string>();
      while (seen.size < wanted.length) {
        const message = await open.next();
        expect(message?.params?._meta?.[metaSubscriptionId]).toStrictEqual(id);
        seen.add(String(message?.method));
      }
      expect([...seen].sort()).toEqual([...wanted].sort());
      open.close();
    }
  });

  it.each([
    ["toolsListChanged", () => changeTools()],
    ["promptsListChanged", () => target.server.prompt(`p_${counter++}`, {}, () => "").remove()],
    [
      "resourcesListChanged",
      () => target.server.resource(`test://r/${counter++}`, {}, () => "").remove(),
    ],
  ])("[S26-32a] sends %s and nothing else when only that was asked for", async (member, change) => {
    const { stream, acknowledgement } = await listen(target.url, { [member]: true });
    expect(acknowledgement?.params?.["notifications"]).toEqual({ [member]: true });
    changeTools();
    target.server.prompt(`p_${counter++}`, {}, () => "").remove();
    target.server.resource(`test://r/${counter++}`, {}, () => "").remove();
    target.server.resourceUpdated("test://watched");
    const first = await stream.next();
    // What was announced before is delivered before: a second change brings everything to light.
    change();
    const second = await stream.next();
    expect(second?.method).toBe(first?.method);
    expect(stream.messages.slice(1).map(({ method }) => method)).toEqual([
      first?.method,
      second?.method,
    ]);
    stream.close();
  });

  it("[S26-32a] sends updates of the subscribed resource only", async () => {
    const { stream } = await listen(target.url, { resourceSubscriptions: ["test://watched"] });
    target.server.resourceUpdated("test://other");
    target.server.resourceUpdated("test://watched");
    const message = await stream.next();
    expect(message).toMatchObject({
      method: "notifications/resources/updated",
      params: { uri: "test://watched" },
    });
    stream.close();
  });

  it("[S26-32a] acknowledges nothing, and sends nothing, for an empty filter", async () => {
    const { stream, acknowledgement } = await listen(target.url, {});
    expect(acknowledgement?.params?.["notifications"]).toEqual({});
    const witness = await listen(target.url, { toolsListChanged: true });
    changeTools();
    await witness.stream.next();
    expect(stream.messages).toHaveLength(1);
    stream.close();
    witness.stream.close();
  });

  it("[S26-32b] leaves out of the acknowledgement what it does not support", async () => {
    const { stream, acknowledgement } = await listen(target.url, {
      toolsListChanged: true,
      promptsListChanged: false,
      taskIds: ["t"],
      noSuchThing: true,
    });
    expect(acknowledgement?.params?.["notifications"]).toEqual({ toolsListChanged: true });
    stream.close();
  });

  it.each([
    ["no filter", {}],
    ["a filter that is no object", { notifications: "all" }],
    ["a flag that is no boolean", { notifications: { toolsListChanged: "yes" } }],
    ["URIs that are no list", { notifications: { resourceSubscriptions: "test://watched" } }],
    ["a URI that is no text", { notifications: { resourceSubscriptions: [7] } }],
  ])("refuses %s", async (_case, params) => {
    const { message } = await modern(target.url, "subscriptions/listen", params);
    expect(message?.error?.code).toBe(-32602);
  });

  it("[S26-46b] carries no log message of other requests", async () => {
    const { server, url } = await startServer((server) => {
      server.tool("chatty", {}, (_args, context) => {
        context.log("error", "only here");
        return "done";
      });
    });
    try {
      const { stream } = await listen(
        url,
        { toolsListChanged: true },
        {
          meta: { "io.modelcontextprotocol/logLevel": "debug" },
        },
      );
      const meta = { "io.modelcontextprotocol/logLevel": "debug" };
      const { messages } = await callTool(url, "chatty", {}, { meta });
      expect(messages[0]?.method).toBe("notifications/message");
      server.tool("extra", {}, () => "");
      expect((await stream.next())?.method).toBe("notifications/tools/list_changed");
      expect(stream.messages).toHaveLength(2);
      stream.close();
    } finally {
      await server.stop();
    }
  });

  it("[S26-33a] ends with its result before the stream closes, when the server stops", async () => {
    const { server, url } = await startServer((server) => server.tool("fixed", {}, () => ""));
    const { stream } = await listen(url, { toolsListChanged: true }, { id: "last" });
    const stopped = server.stop();
    const message = await stream.next();
    expect(message).toMatchObject({
      id: "last",
      result: { resultType: "complete", _meta: { [metaSubscriptionId]: "last" } },
    });
    expect(await stream.next()).toBeUndefined();
    await stopped;
    expect(stream.messages.map(({ method }) => method)).not.toContain("notifications/cancelled");
  });

  it("ends when its client goes away, and counts no longer", async () => {
    const { server, url } = await startServer((server) => server.tool("fixed", {}, () => ""), {
      limits: { maxStreams: 1 },
    });
    try {
      const first = await listen(url, { toolsListChanged: true });
      const refused = await modern(url, "subscriptions/listen", {
        notifications: { toolsListChanged: true },
      });
      expect(refused.status).toBe(503);
      expect(refused.headers["retry-after"]).toMatch(/^\d+$/);
      first.stream.close();
      await first.stream.ended();
      // The server learns of the closed connection a moment later.
      for (;;) {
        const next = await openModern(url, "subscriptions/listen", { notifications: {} });
        next.close();
        if (next.status === 200) break;
      }
    } finally {
      await server.stop();
    }
  });
});

describe("apps/everything", () => {
  it.each([
    ["test_trigger_tool_change", "toolsListChanged", "notifications/tools/list_changed"],
    ["test_trigger_prompt_change", "promptsListChanged", "notifications/prompts/list_changed"],
  ])("[S26-08, S26-32b] tells of %s", async (tool, member, method) => {
    const { stream } = await listen(everything.url, { [member]: true }, { id: tool });
    await callTool(everything.url, tool);
    expect(await stream.next()).toMatchObject({
      method,
      params: { _meta: { [metaSubscriptionId]: tool } },
    });
    stream.close();
  });
});
