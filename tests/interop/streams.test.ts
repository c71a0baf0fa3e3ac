import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { InteropClient, Notification, ToolResult } from "./harness/interop-client.ts";
import { usePairings } from "./harness/matrix.ts";

const pollMs = 20;
const hangMs = 20_000;

function textOf({ content }: ToolResult): string {
  return String(content[0]?.["text"]);
}

/**
 * Triggers a change until the client is told of it. Once is not enough: the clients open their GET
 * stream in the background, and a change before that has nobody to be told to.
 */
async function toldOf(
  client: InteropClient,
  trigger: string,
  wanted: (notification: Notification) => boolean,
): Promise<Notification> {
  const deadline = Date.now() + hangMs;
  while (Date.now() < deadline) {
    await client.callTool(trigger);
    for (let waited = 0; waited < 300; waited += pollMs) {
      const found = client.notifications.find(wanted);
      if (found) return found;
      await sleep(pollMs);
    }
  }
  throw new Error(`${trigger}: nobody was told; seen ${JSON.stringify(client.notifications)}`);
}

describe.each(usePairings().map((pairing) => [pairing.label, pairing] as const))(
  "%s",
  (_label, { connect, shared, era, transport }) => {
    it("follows progress", async () => {
      const client = await shared();
      const seen: (number | undefined)[][] = [];
      const result = await client.callTool(
        "test_tool_with_progress",
        {},
        { onProgress: ({ progress, total }) => seen.push([progress, total]) },
      );
      expect(textOf(result)).toContain("successfully");
      const sent = [
        [0, 100],
        [50, 100],
        [100, 100],
      ];
      // The clients handle a notification one turn later than a response that came with it, and have
      // forgotten the call by then: on a shared channel the last report may be lost on their side.
      expect(seen).toEqual(transport === "http" ? sent : sent.slice(0, seen.length));
      expect(seen.length).toBeGreaterThanOrEqual(2);
    });

    it("gets the log messages that it asked for", async () => {
      const client = await shared();
      await client.callTool("test_logging_tool", {}, { logLevel: "warning" });
      const deadline = Date.now() + hangMs;
      const levels = () =>
        client.notifications
          .filter(({ method }) => method === "notifications/message")
          .map(({ params }) => params?.["level"]);
      while (levels().length < 2 && Date.now() < deadline) await sleep(pollMs);
      expect(levels()).toEqual(["warning", "error"]);
    });

    it("cancels a call, and the handler stops", async () => {
      const client = await shared();
      const label = `${transport}-${era}-${Math.random()}`;
      const controller = new AbortController();
      const call = client.callTool(
        "slow_operation",
        { durationMs: 60_000, label },
        { signal: controller.signal, onProgress: () => controller.abort("no longer needed") },
      );
      await expect(call).rejects.toThrow();
      const deadline = Date.now() + hangMs;
      let cancelled = false;
      while (!cancelled && Date.now() < deadline) {
        const { structuredContent } = await client.callTool("was_cancelled", { label });
        cancelled = (structuredContent as { cancelled: boolean }).cancelled;
      }
      expect(cancelled).toBe(true);
    });

    it("is told when lists change", async () => {
      const client = await shared();
      const stop = await client.watch({ lists: true });
      for (const kind of ["tool", "prompt", "resource"]) {
        await toldOf(
          client,
          `test_trigger_${kind}_change`,
          ({ method }) => method === `notifications/${kind}s/list_changed`,
        );
      }
      await stop();
    });

    it("is told when a resource that it watches changes, and no longer after that", async () => {
      const client = await shared();
      const uri = "test://watched-resource";
      const updated = ({ method, params }: Notification) =>
        method === "notifications/resources/updated" && params?.["uri"] === uri;
      const stop = await client.watch({ uris: [uri] });
      await toldOf(client, "test_touch_watched_resource", updated);
      await stop();
      // Whatever was under way when the watch ended has arrived once a later answer has.
      await client.callTool("test_simple_text");
      await sleep(100);
      const before = client.notifications.filter(updated).length;
      await client.callTool("test_touch_watched_resource");
      await client.callTool("test_simple_text");
      await sleep(100);
      expect(client.notifications.filter(updated)).toHaveLength(before);
    });

    it("survives a connection that the server closes in mid-call", async () => {
      const client = await shared();
      const text = textOf(await client.callTool("test_reconnection"));
      if (era === "legacy" && transport === "http") {
        expect(text).toBe("Delivered after the reconnection");
      } else {
        expect(text).toBe("This connection cannot be released");
      }
    });

    it("closes while a call runs, and others go on", async () => {
      const [leaving, staying] = [await connect(), await shared()];
      const call = leaving.callTool("slow_operation", { durationMs: 60_000, label: "left" });
      const ended = expect(call).rejects.toThrow();
      await leaving.close();
      await ended;
      expect(textOf(await staying.callTool("test_simple_text"))).toContain("simple text");
    });
  },
);
