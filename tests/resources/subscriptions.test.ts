import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createMemoryEventBus } from "@backplane/protocol";
import type { ResourceProvider } from "@backplane/server";
import { describe, expect, it, vi } from "vitest";
import { eras } from "../client/harness/clients.ts";
import { legs, RealServer } from "../client/harness/real-server.ts";
import { needsOf, sourceNames, sources } from "./harness/sources.ts";

const watching = sourceNames.filter((name) => name !== "http");

function until(condition: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(condition, { timeout: 20_000, interval: 5 });
}

/** Counts the watches that are open. */
function counted(provider: ResourceProvider) {
  const open = { watches: 0 };
  const count = async (begin: Promise<() => unknown>) => {
    const stop = await begin;
    open.watches++;
    return async () => {
      open.watches--;
      await stop();
    };
  };
  const subject: ResourceProvider = {
    name: provider.name,
    locate: (uri) => provider.locate(uri),
    list: (request, context) => provider.list(request, context),
    read: (uri, context) => provider.read(uri, context),
    watch: (uri, onChange) => count(provider.watch?.(uri, onChange) as Promise<() => unknown>),
    watchList: (onChange) => count(provider.watchList?.(onChange) as Promise<() => unknown>),
  };
  return { open, subject };
}

describe.each(legs)("%s over %s", (era, carrier) => {
  for (const name of watching) {
    it(
      `a change of ${name} reaches those who subscribed, who then read it`,
      needsOf(name),
      async () => {
        const source = await sources[name]();
        const { open, subject } = counted(source.provider);
        const real = await RealServer.start(carrier, (server) =>
          server.addResourceProvider(subject),
        );
        const [client, other] = [real.client(era), real.client(era)];
        await client.connect();
        const text = async () => {
          const { contents } = await client.readResource(source.uri);
          return (contents[0] as { text: string }).text;
        };
        expect(await text()).toBe(source.textOf("first"));
        const heard: string[] = [];
        const subscription = await client.subscribe(source.uri, (uri, change) =>
          heard.push(`${uri} ${change}`),
        );
        await other.connect();
        await source.write("second");
        await until(() => expect(heard).toContain(`${source.uri} updated`));
        await until(async () => expect(await text()).toBe(source.textOf("second")));
        // Many at once are few.
        heard.length = 0;
        for (let times = 0; times < 50; times++) await source.write(`burst ${times}`);
        await until(async () => expect(await text()).toBe(source.textOf("burst 49")));
        await until(() => expect(heard.length).toBeGreaterThan(0));
        expect(heard.length).toBeLessThan(40);
        await subscription.close();
        await client.close();
        await other.close();
        await until(() => expect(open.watches).toBe(0));
      },
    );
  }

  it("a client that goes takes its watches with it", async () => {
    const source = await sources.files();
    const { open, subject } = counted(source.provider);
    const real = await RealServer.start(carrier, (server) => server.addResourceProvider(subject));
    const clients = [real.client(era), real.client(era)];
    for (const client of clients) await client.subscribe(source.uri, () => {});
    expect(open.watches).toBeGreaterThan(0);
    for (const client of clients) await client.close();
    await until(() => expect(open.watches).toBe(0));
  });
});

describe.each(eras)("%s", (era) => {
  it("a change that one server object sees reaches the clients of another", async () => {
    const source = await sources.files();
    const eventBus = createMemoryEventBus();
    const seeing = await RealServer.start(
      "http",
      (server) => server.addResourceProvider(source.provider),
      { eventBus },
    );
    const { provider } = source;
    const blind = await RealServer.start(
      "http",
      (server) => {
        server.addResourceProvider({
          name: "files",
          locate: (uri) => provider.locate(uri),
          list: (request, context) => provider.list(request, context),
          read: (uri, context) => provider.read(uri, context),
        });
      },
      { eventBus },
    );
    const heard: string[] = [];
    await seeing.client(era).subscribe(source.uri, () => heard.push("seeing"));
    await blind.client(era).subscribe(source.uri, () => heard.push("blind"));
    await source.write("second");
    await until(() => expect(new Set(heard)).toEqual(new Set(["seeing", "blind"])));
  });

  it("a new file changes the list, and one that is deleted its resource", async () => {
    const source = await sources.files();
    const real = await RealServer.start("http", (server) =>
      server.addResourceProvider(source.provider),
    );
    const client = real.client(era);
    const events: unknown[] = [];
    const filter = { resourcesListChanged: true, resourceSubscriptions: [source.uri] };
    await client.listen(filter, { onChange: (event) => events.push(event) });
    await rm(fileURLToPath(source.uri));
    await until(() => expect(events).toContainEqual({ kind: "resource", uri: source.uri }));
    await until(() => expect(events).toContainEqual({ kind: "resources" }));
    await expect(client.readResource(source.uri)).rejects.toMatchObject({
      code: era === "modern" ? -32602 : -32002,
    });
    events.length = 0;
    await source.write("again");
    await until(() => expect(events).toContainEqual({ kind: "resource", uri: source.uri }));
    await until(() => expect(events).toContainEqual({ kind: "resources" }));
  });
});
