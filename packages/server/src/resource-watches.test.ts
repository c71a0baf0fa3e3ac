import { META_SUBSCRIPTION_ID } from "@backplane/protocol";
import { createFakeClock } from "@backplane/protocol/test-suite";
import { describe, expect, it, vi } from "vitest";
import { ERAS, type EraName, RawClient } from "./client.test-support.ts";
import { MCPServer, type MCPServerOptions } from "./index.ts";
import { MapProvider } from "./map-provider.test-support.ts";

function serverOf(provider: MapProvider, options: Partial<MCPServerOptions> = {}) {
  const warnings: string[] = [];
  const logger = {
    ...{ debug() {}, info() {}, error() {} },
    warn: (_data: object, message: string) => void warnings.push(message),
  };
  const server = new MCPServer({ name: "t", version: "1", logger, ...options });
  server.addResourceProvider(provider);
  return { server, warnings };
}

/** Subscribes as its era does. @returns the answer of a legacy request, or what ends a listen stream. */
async function subscribe(client: RawClient, era: EraName, ...uris: string[]) {
  if (era === "legacy") {
    for (const uri of uris) await client.result("resources/subscribe", { uri });
    return;
  }
  const acknowledged = client.notifications.length;
  void client.request("subscriptions/listen", {
    notifications: { resourceSubscriptions: uris, resourcesListChanged: true },
  });
  await vi.waitFor(() => expect(client.notifications.length).toBeGreaterThan(acknowledged));
}

const updates = (client: RawClient): readonly unknown[] =>
  client.notifications
    .filter(({ method }) => method === "notifications/resources/updated")
    .map(({ params }) => params?.uri);
const listChanges = (client: RawClient): number =>
  client.notifications.filter(({ method }) => method.endsWith("list_changed")).length;

describe.each(ERAS)("watches, %s", (era) => {
  it("begin with the first subscriber and end with the last", async () => {
    const provider = new MapProvider("a", ["1"]);
    const { server } = serverOf(provider);
    expect(provider.watched).toEqual([]);
    const [first, second] = [
      await RawClient.connect(server, era),
      await RawClient.connect(server, era),
    ];
    await subscribe(first, era, "a://1");
    await subscribe(second, era, "a://1", "a://not-yet", "b://foreign");
    expect([...provider.watched].sort()).toEqual(["", "a://1", "a://not-yet"]);
    await second.close();
    expect([...provider.watched].sort()).toEqual(["", "a://1"]);
    await first.close();
    await vi.waitFor(() => expect(provider.watched).toEqual([]));
  });

  it("tell every subscriber of a URI, once for what happens at once", async () => {
    const provider = new MapProvider("a", ["1", "2"]);
    const { server } = serverOf(provider);
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(server, era)));
    const [first, second, other] = clients as [RawClient, RawClient, RawClient];
    await subscribe(first, era, "a://1");
    await subscribe(second, era, "a://1");
    await subscribe(other, era, "a://2");
    for (let times = 0; times < 20; times++) provider.change("a://1");
    provider.change("");
    await vi.waitFor(() => expect(updates(second)).toEqual(["a://1"]));
    await vi.waitFor(() => expect(listChanges(first)).toBe(1));
    expect([updates(first), updates(other)]).toEqual([["a://1"], []]);
    if (era === "modern") {
      expect(first.notifications.at(-1)?.params?._meta).toHaveProperty([META_SUBSCRIPTION_ID]);
    }
    provider.change("a://1");
    await vi.waitFor(() => expect(updates(first)).toEqual(["a://1", "a://1"]));
  });

  it("are capped per principal, over all its streams, and give back what they took", async () => {
    const provider = new MapProvider("a");
    const limits = { maxSubscriptionsPerPrincipal: 3 };
    const { server } = serverOf(provider, { limits });
    const [first, second] = [
      await RawClient.connect(server, era),
      await RawClient.connect(server, era),
    ];
    await subscribe(first, era, "a://1", "a://2");
    const method = era === "legacy" ? "resources/subscribe" : "subscriptions/listen";
    const params = (...uris: string[]) =>
      era === "legacy" ? { uri: uris.at(-1) } : { notifications: { resourceSubscriptions: uris } };
    if (era === "legacy") await subscribe(second, era, "a://3");
    const { error } = await second.request(method, params("a://3", "a://4"));
    expect(error).toMatchObject({
      code: -32602,
      message: expect.stringContaining("subscriptions"),
    });
    expect(provider.watched).not.toContain("a://4");
    await first.close();
    await vi.waitFor(() => expect(provider.watched).not.toContain("a://1"));
    await subscribe(second, era, "a://4", "a://5");
    expect(provider.watched).toContain("a://5");
  });

  it("follow providers that come and go", async () => {
    const provider = new MapProvider("a");
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const server = new MCPServer({ name: "t", version: "1", logger, declare: ["resources"] });
    const early = server.addResourceProvider(new MapProvider("b"));
    const client = await RawClient.connect(server, era);
    if (era === "legacy") await subscribe(client, era, "a://1");
    const handle = server.addResourceProvider(provider);
    if (era === "modern") await subscribe(client, era, "a://1");
    expect([...provider.watched].sort()).toEqual(["", "a://1"]);
    handle.disable();
    await vi.waitFor(() => expect(provider.watched).toEqual([]));
    handle.enable();
    expect([...provider.watched].sort()).toEqual(["", "a://1"]);
    early.remove();
    await server.stop();
    expect(provider.watched).toEqual([]);
  });
});

describe("a watch that cannot begin", () => {
  it("is said once, tried again, and makes up for what it missed", async () => {
    const clock = createFakeClock();
    const provider = new MapProvider("a", ["1"]);
    const watch = provider.watch.bind(provider);
    let broken = true;
    provider.watch = (uri, onChange) =>
      broken ? Promise.reject(new Error("planted")) : watch(uri, onChange);
    const { server, warnings } = serverOf(provider, { clock });
    const client = await RawClient.connect(server, "legacy");
    await subscribe(client, "legacy", "a://1");
    const cannot = () => warnings.filter((message) => message.includes("cannot watch")).length;
    // The list and the resource, one each.
    await vi.waitFor(() => expect(cannot()).toBe(2));
    clock.advance(250);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(cannot()).toBe(2);
    broken = false;
    clock.advance(500);
    await vi.waitFor(() => expect([...provider.watched].sort()).toEqual(["", "a://1"]));
    await vi.waitFor(() => {
      clock.advance(100);
      expect(updates(client)).toEqual(["a://1"]);
    });
    await server.stop();
  });

  it("and one that begins too late is ended at once", async () => {
    const provider = new MapProvider("a", ["1"]);
    const watch = provider.watch.bind(provider);
    let begin: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      begin = resolve;
    });
    provider.watch = async (uri, onChange) => {
      await gate;
      return watch(uri, onChange);
    };
    const { server } = serverOf(provider);
    const client = await RawClient.connect(server, "legacy");
    void client.request("resources/subscribe", { uri: "a://1" });
    await client.request("ping");
    await client.close();
    begin();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(provider.watched).toEqual([]);
    await server.stop();
  });
});
