import { describe, expect, it } from "vitest";
import { MCPClientError } from "./errors.ts";
import { until } from "./recorders.test-support.ts";
import { hear, hubRig, quiet, tagged } from "./subscriptions.test-support.ts";

const TOOLS = { toolsListChanged: true };
const A = { resourceSubscriptions: ["x:/a"] };
const tools = { kind: "tools" } as const;
const a = { kind: "resource", uri: "x:/a" } as const;

describe.each(["modern", "legacy"] as const)("a subscription of the %s era", (era) => {
  it("hears of what it asked for, and of nothing else", async () => {
    const rig = hubRig({ era });
    const heard = hear();
    const listening = await rig.hub.listen({ ...TOOLS, ...A }, heard);
    expect([listening.state, listening.honoured]).toEqual(["open", { ...TOOLS, ...A }]);
    for (const event of [tools, { kind: "prompts" } as const, a]) rig.end.change(event);
    rig.end.change({ kind: "resource", uri: "x:/other" });
    await quiet();
    expect(heard.events).toEqual([tools, a]);
    expect(heard.states).toEqual([["open", undefined]]);
  });

  it("is shared: the same wish costs the server nothing more", async () => {
    const rig = hubRig({ era });
    const updates: string[] = [];
    const listen = (name: string) =>
      rig.hub.subscribe("x:/a", (uri, change) => updates.push(`${name} ${uri} ${change}`));
    const first = await listen("first");
    const before = rig.end.received.length;
    const second = await listen("second");
    expect(rig.end.received).toHaveLength(before);
    rig.end.change(a);
    await quiet();
    expect(updates).toEqual(["first x:/a updated", "second x:/a updated"]);
    await first.close();
    rig.end.change(a);
    await quiet();
    expect(updates.slice(2)).toEqual(["second x:/a updated"]);
    await second.close();
    await quiet();
    expect([rig.end.listening.size, rig.end.subscribed.size]).toEqual([0, 0]);
    expect([first.state, second.state]).toEqual(["closed", "closed"]);
  });

  it("comes back after a loss, and tells once of everything that it may have missed", async () => {
    const rig = hubRig({ era });
    const heard = hear();
    const listening = await rig.hub.listen({ ...TOOLS, ...A }, heard);
    await rig.end.kill();
    await quiet();
    expect(listening.state).toBe("reconnecting");
    await rig.patience();
    expect(listening.state).toBe("open");
    expect(heard.events).toEqual([tools, a]);
    expect(rig.changes).toEqual([tools, a]);
    expect(heard.states).toEqual([
      ["open", undefined],
      ["reconnecting", "connection_lost"],
      ["open", undefined],
    ]);
    rig.end.change(a);
    await quiet();
    expect(heard.events.slice(2)).toEqual([a]);
    expect(rig.ends).toHaveLength(2);
  });

  it("says `resumed` where it does not know of an update", async () => {
    const rig = hubRig({ era });
    const updates: string[] = [];
    await rig.hub.subscribe("x:/a", (_uri, change) => updates.push(change));
    await rig.end.kill();
    await rig.patience();
    rig.end.change(a);
    await quiet();
    expect(updates).toEqual(["resumed", "updated"]);
  });

  it("waits longer with each failure, and ends exhausted rather than silent", async () => {
    const rig = hubRig({ era }, { maxAttempts: 5, initialDelayMs: 100, maxDelayMs: 400 });
    const heard = hear();
    const listening = await rig.hub.listen(TOOLS, heard);
    rig.server.refuseConnection = new MCPClientError("connection_failed", "refused");
    await rig.end.kill();
    await rig.patience(600_000);
    expect(listening.state).toBe("exhausted");
    expect(listening.error).toMatchObject({
      code: "stream_exhausted",
      cause: { code: "connection_failed" },
    });
    expect(heard.states.map(([state]) => state)).toEqual(["open", "reconnecting", "exhausted"]);
    expect(rig.clock.pendingTimers).toBe(0);
    // The budget was that stream's: the next one has its own.
    rig.server.refuseConnection = undefined;
    expect((await rig.hub.listen(TOOLS, hear())).state).toBe("open");
  });

  it("has its whole budget again once it was stable, and not before", async () => {
    const options = { maxAttempts: 2, initialDelayMs: 100, maxDelayMs: 100, stableMs: 5_000 };
    const rig = hubRig({ era }, options);
    const listening = await rig.hub.listen(TOOLS, hear());
    for (let losses = 0; losses < 5; losses++) {
      rig.clock.advance(5_000);
      await rig.end.kill();
      await rig.patience();
      expect(listening.state).toBe("open");
    }
    await rig.end.kill();
    await rig.patience();
    expect(listening.state).toBe("open");
    await rig.end.kill();
    await rig.patience();
    expect(listening.state).toBe("exhausted");
  });

  it("notices a connection that was replaced without a word", async () => {
    const rig = hubRig({ era });
    const listening = await rig.hub.listen(TOOLS, hear());
    await rig.replaceLink();
    // Some other request makes the new connection.
    if (era === "legacy") {
      await rig.hub.listen({ promptsListChanged: true }, hear()).catch(() => {});
    }
    await rig.patience();
    expect(listening.state).toBe("open");
    expect(rig.ends.filter((end) => end.open)).toHaveLength(1);
  });

  it("agreed to in part shows which", async () => {
    const rig = hubRig({
      era,
      capabilities: { tools: { listChanged: true }, resources: {} },
      onListen: () => TOOLS,
    });
    const listening = await rig.hub.listen({ ...TOOLS, promptsListChanged: true, ...A }, hear());
    expect(listening.honoured).toEqual(TOOLS);
  });

  it("agreed to in no part is refused, and others are not the worse for it", async () => {
    const rig = hubRig({
      era,
      capabilities: { tools: { listChanged: true } },
      onListen: ({ toolsListChanged }) => (toolsListChanged === true ? TOOLS : {}),
    });
    await expect(rig.hub.listen(A, hear())).rejects.toMatchObject({ code: "not_supported" });
    const heard = hear();
    const [kept, refused] = await Promise.allSettled([
      rig.hub.listen(TOOLS, heard),
      rig.hub.subscribe("x:/a", () => {}),
    ]);
    expect([kept.status, refused.status]).toEqual(["fulfilled", "rejected"]);
    await quiet();
    rig.end.change(tools);
    await quiet();
    expect(heard.events).toEqual([tools]);
  });

  it("refused for one wish is not refused for the others", async () => {
    const bad = { code: -32602, message: "bad URI" };
    const rig = hubRig({
      era,
      onListen: (filter) => (filter.resourceSubscriptions?.includes("bad") ? bad : filter),
      onSubscribe: (uri) => (uri === "bad" ? bad : undefined),
    });
    const [first, second, third] = await Promise.allSettled([
      rig.hub.listen(TOOLS, hear()),
      rig.hub.subscribe("bad", () => {}),
      rig.hub.subscribe("x:/a", () => {}),
    ]);
    expect([first.status, third.status]).toEqual(["fulfilled", "fulfilled"]);
    expect(second).toMatchObject({ reason: { code: -32602 } });
  });

  it("that cannot begin says so after a few attempts", async () => {
    const error = new MCPClientError("connection_failed", "refused");
    const rig = hubRig({ era, refuseConnection: error });
    const refused = expect(rig.hub.listen(TOOLS, hear())).rejects.toBe(error);
    await rig.patience();
    await refused;
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("that no attempt can mend ends at once", async () => {
    const error = new MCPClientError("unauthorized", "no");
    const rig = hubRig({ era });
    const heard = hear();
    const listening = await rig.hub.listen(TOOLS, heard);
    rig.server.refuseConnection = error;
    await rig.end.kill();
    await rig.patience();
    expect([listening.state, listening.error]).toEqual(["closed", error]);
    await expect(rig.hub.listen(TOOLS, hear())).rejects.toBe(error);
  });

  it("ends with the client, and so does one that has not begun", async () => {
    const rig = hubRig({ era });
    const heard = hear();
    const listening = await rig.hub.listen(TOOLS, heard);
    const beginning = rig.hub.subscribe("x:/a", () => {});
    const refused = expect(beginning).rejects.toMatchObject({ code: "closed" });
    await rig.hub.close();
    await refused;
    expect([listening.state, listening.error]).toEqual(["closed", undefined]);
    rig.end.change(tools);
    await quiet();
    expect(heard.events).toEqual([]);
    await expect(rig.hub.listen(TOOLS, hear())).rejects.toMatchObject({ code: "closed" });
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("outlives a handler that throws", async () => {
    const rig = hubRig({ era });
    const heard = hear();
    await rig.hub.listen(TOOLS, {
      onChange: () => {
        throw new Error("handler");
      },
      onState: () => {
        throw new Error("handler");
      },
    });
    await rig.hub.listen(TOOLS, heard);
    rig.end.change(tools);
    await quiet();
    expect(heard.events).toEqual([tools]);
    expect(rig.log.entries.filter(([level]) => level === "error")).toHaveLength(2);
  });

  it("hears of the parts of a resource", async () => {
    const rig = hubRig({ era });
    const [whole, other] = [hear(), hear()];
    await rig.hub.listen(A, whole);
    await rig.hub.listen({ resourceSubscriptions: ["x:/b"] }, other);
    const send = (uri: string): void => {
      const params = { uri };
      const message = { method: "notifications/resources/updated", params };
      const [id] = rig.end.listening.keys();
      rig.end.send(id === undefined ? message : tagged(message, id));
    };
    send("x:/a/part");
    await quiet();
    expect([whole.events, other.events]).toEqual([[{ kind: "resource", uri: "x:/a/part" }], []]);
    // One whose URI does not show whose part it is may be anybody's.
    send("y:/part");
    await quiet();
    expect([whole.events.length, other.events.length]).toEqual([2, 1]);
  });
});

describe("any filter", () => {
  it.each([
    [{}, "asks for nothing"],
    [{ toolsListChanged: false }, "asks for nothing"],
    [{ resourceSubscriptions: [] }, "asks for nothing"],
    [{ toolListChanged: true }, "toolListChanged"],
    [{ toolsListChanged: 1 }, "toolsListChanged"],
    [{ resourceSubscriptions: "x:/a" }, "resourceSubscriptions"],
    [{ resourceSubscriptions: [""] }, "resourceSubscriptions"],
    [null, "object"],
  ])("that is none is refused: %j", async (filter, says) => {
    const rig = hubRig();
    await expect(rig.hub.listen(filter as never, hear())).rejects.toThrow(TypeError);
    await expect(rig.hub.listen(filter as never, hear())).rejects.toThrow(says);
    expect(rig.ends).toHaveLength(0);
  });
});

describe("subscriptions/listen", () => {
  it("opens the wider stream before it ends the narrower", async () => {
    const rig = hubRig();
    const heard = hear();
    await rig.hub.listen(TOOLS, heard);
    let acknowledge = (): void => {};
    rig.server.onListen = (filter) => {
      const { end } = rig;
      const id = end.received.at(-1)?.id as number;
      acknowledge = () => {
        end.listening.set(id, filter);
        const method = "notifications/subscriptions/acknowledged";
        end.send(tagged({ method, params: { notifications: filter } }, id));
      };
      return undefined;
    };
    const joining = rig.hub.listen(A, hear());
    await quiet();
    rig.end.change(tools);
    await quiet();
    expect(heard.events).toEqual([tools]);
    acknowledge();
    await joining;
    await quiet();
    expect([...rig.end.listening.values()]).toEqual([{ ...TOOLS, ...A }]);
    rig.end.change(tools);
    await quiet();
    expect(heard.events).toEqual([tools, tools]);
  });

  it("that loses the narrower stream meanwhile tells of what was missed", async () => {
    const rig = hubRig();
    const heard = hear();
    await rig.hub.listen(TOOLS, heard);
    const [old] = rig.end.listening.keys();
    rig.server.onListen = (filter) => {
      // The old stream ends first.
      rig.end.send({ id: old, result: { resultType: "complete" } });
      return filter;
    };
    await rig.hub.listen(A, hear());
    expect(heard.events).toEqual([tools]);
    expect(heard.states).toEqual([["open", undefined]]);
  });

  it("4b.15: takes nothing for agreed before the acknowledgement, and nothing that was not asked for", async () => {
    const rig = hubRig();
    const heard = hear();
    rig.server.onListen = (filter) => {
      const id = rig.end.received.at(-1)?.id as number;
      rig.end.send(tagged({ method: "notifications/tools/list_changed", params: {} }, id));
      return { ...filter, promptsListChanged: true };
    };
    const listening = await rig.hub.listen(TOOLS, heard);
    expect(listening.honoured).toEqual(TOOLS);
    const [id] = rig.end.listening.keys();
    rig.end.send(
      tagged({ method: "notifications/prompts/list_changed", params: {} }, id as number),
    );
    await quiet();
    expect(heard.events).toEqual([]);
  });

  it("without an acknowledgement in time is given up, and the server is told", async () => {
    const rig = hubRig({ onListen: () => undefined }, { acknowledgeMs: 1_000 });
    const refused = expect(rig.hub.listen(TOOLS, hear())).rejects.toMatchObject({
      code: "timeout",
      details: { deadline: "acknowledge", limitMs: 1_000 },
    });
    await rig.patience();
    await refused;
    const methods = rig.end.received.map(({ method }) => method);
    expect(methods.filter((method) => method === "notifications/cancelled")).toHaveLength(3);
  });

  it("acknowledged with no filter at all is an error", async () => {
    const rig = hubRig({ onListen: () => "all" as never });
    await expect(rig.hub.listen(TOOLS, hear())).rejects.toMatchObject({ code: "invalid_response" });
  });

  it("that ends before its acknowledgement is tried again", async () => {
    const rig = hubRig();
    let times = 0;
    rig.server.onListen = (filter) => {
      if (++times > 1) return filter;
      rig.end.send({ id: rig.end.received.at(-1)?.id, result: { resultType: "complete" } });
      return undefined;
    };
    const listening = rig.hub.listen(TOOLS, hear());
    await rig.patience();
    expect((await listening).state).toBe("open");
  });

  it("that the server ends as it should is opened again, somewhat later", async () => {
    const rig = hubRig();
    const heard = hear();
    const listening = await rig.hub.listen(TOOLS, heard);
    rig.end.drain();
    await quiet();
    expect(listening.state).toBe("reconnecting");
    expect(rig.clock.pendingTimers).toBe(1);
    await rig.patience();
    expect([listening.state, heard.events]).toEqual(["open", [tools]]);
    expect(rig.ends).toHaveLength(1);
  });

  it("that a server cancels over a shared connection is opened again", async () => {
    const rig = hubRig();
    const listening = await rig.hub.listen(TOOLS, hear());
    const [requestId] = rig.end.listening.keys();
    rig.end.listening.clear();
    rig.end.send({ method: "notifications/cancelled", params: { requestId } });
    await rig.patience();
    expect(listening.state).toBe("open");
  });

  it("waits as long as an overloaded server asks", async () => {
    const rig = hubRig();
    const listening = await rig.hub.listen(TOOLS, hear());
    let asked = 0;
    rig.server.onListen = () => {
      asked++;
      return { code: -1503, message: "later", data: { retryAfterMs: 7_000 } };
    };
    rig.end.drain();
    await rig.patience(5_000);
    expect(asked).toBe(1);
    rig.server.onListen = (filter) => filter;
    await rig.patience(10_000);
    expect(listening.state).toBe("open");
  });

  it("that is refused for good after a loss is over", async () => {
    const rig = hubRig();
    const heard = hear();
    const listening = await rig.hub.listen(TOOLS, heard);
    rig.server.onListen = () => ({ code: -32601, message: "Method not found" });
    rig.end.drain();
    await rig.patience();
    expect(listening.state).toBe("closed");
    expect(heard.states.at(-1)).toEqual(["closed", -32601]);
  });

  it("says with which failure its connection came back", async () => {
    const rig = hubRig();
    await rig.hub.listen(TOOLS, hear());
    rig.server.onListen = () => ({ code: -32022, message: "version", data: { supported: [] } });
    rig.end.drain();
    await rig.patience(2_000);
    expect(rig.releases).toContainEqual(expect.objectContaining({ code: -32022 }));
  });
});

describe("resources/subscribe", () => {
  it("over HTTP opens the GET stream once, and nothing works without one", async () => {
    const rig = hubRig({ era: "legacy", serverStream: false });
    await expect(rig.hub.listen(TOOLS, hear())).rejects.toMatchObject({ code: "not_supported" });
    rig.server.serverStream = true;
    const other = hubRig({ era: "legacy", serverStream: true });
    await other.hub.listen(TOOLS, hear());
    await other.hub.listen(A, hear());
    expect(other.end.subscribed).toEqual(new Set(["x:/a"]));
  });

  it("over a GET stream that broke tells of what was missed, and says so meanwhile", async () => {
    const rig = hubRig({ era: "legacy", serverStream: true });
    const heard = hear();
    const listening = await rig.hub.listen({ ...TOOLS, ...A }, heard);
    rig.stream("interrupted", new MCPClientError("connection_lost", "gone"));
    expect(listening.state).toBe("reconnecting");
    rig.stream("open");
    expect([listening.state, heard.events]).toEqual(["open", [tools, a]]);
    expect(rig.changes).toEqual([tools, a]);
    rig.stream("open");
    expect(heard.events).toHaveLength(2);
  });

  it("over a GET stream that is lost with its session begins a new one", async () => {
    const rig = hubRig({ era: "legacy", serverStream: true });
    const listening = await rig.hub.listen({ ...TOOLS, ...A }, hear());
    rig.stream("ended", new MCPClientError("session_lost", "404"));
    expect(listening.state).toBe("reconnecting");
    await rig.patience();
    expect(listening.state).toBe("open");
    expect(rig.ends).toHaveLength(2);
    expect(rig.end.subscribed).toEqual(new Set(["x:/a"]));
    expect(rig.releases).toContainEqual(expect.objectContaining({ code: "session_lost" }));
  });

  it("takes back a URI only when nobody wants it any more", async () => {
    const rig = hubRig({ era: "legacy" });
    const one = await rig.hub.subscribe("x:/a", () => {});
    const two = await rig.hub.listen({ resourceSubscriptions: ["x:/a", "x:/b"] }, hear());
    await one.close();
    expect(rig.end.subscribed).toEqual(new Set(["x:/a", "x:/b"]));
    await two.close();
    expect(rig.end.subscribed).toEqual(new Set());
  });

  it("subscribes to many a few at a time", async () => {
    const rig = hubRig({ era: "legacy" });
    const uris = Array.from({ length: 200 }, (_, index) => `x:/${index}`);
    await rig.hub.listen({ resourceSubscriptions: uris }, hear());
    expect(rig.end.subscribed.size).toBe(200);
  });

  it("is not asked of a server that does not offer it", async () => {
    const rig = hubRig({ era: "legacy", capabilities: { resources: { listChanged: true } } });
    await expect(rig.hub.subscribe("x:/a", () => {})).rejects.toMatchObject({
      code: "not_supported",
    });
    expect(rig.end.received).toEqual([]);
  });
});

describe("closing", () => {
  it("is the same from within a handler", async () => {
    const rig = hubRig();
    const heard = hear();
    const listening = await rig.hub.listen(TOOLS, {
      ...heard,
      onChange: (event) => {
        heard.onChange(event);
        void listening.close();
      },
    });
    rig.end.change(tools);
    rig.end.change(tools);
    await until(() => expect(rig.end.listening.size).toBe(0));
    expect(heard.events).toEqual([tools]);
  });
});
