import { CHANNELS, type RequestEndEvent, type RequestEvent } from "@backplane/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ERAS, RawClient } from "./client.test-support.ts";
import { MCPServer, type MCPServerOptions, ToolExecutionError } from "./index.ts";

const starts: RequestEvent[] = [];
const ends: RequestEndEvent[] = [];
const onStart = (event: unknown): void => void starts.push(event as RequestEvent);
const onEnd = (event: unknown): void => void ends.push(event as RequestEndEvent);

beforeEach(() => {
  starts.length = 0;
  ends.length = 0;
  CHANNELS.requestStart.subscribe(onStart);
  CHANNELS.requestEnd.subscribe(onEnd);
});

afterEach(() => {
  CHANNELS.requestStart.unsubscribe(onStart);
  CHANNELS.requestEnd.unsubscribe(onEnd);
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function serve(options: Partial<MCPServerOptions> = {}): MCPServer {
  const server = new MCPServer({ name: "events", version: "1", logger: quiet, ...options });
  server.tool("fine", {}, () => "fine");
  server.tool("later", {}, async () => "later");
  server.tool("refuses", {}, () => {
    throw new ToolExecutionError(-1000, "no");
  });
  server.tool("fails", {}, async () => {
    throw new Error("unexpected");
  });
  server.tool("waits", {}, (_args, { signal }) => {
    return new Promise<string>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  server.tool("returns_when_aborted", {}, (_args, { signal }) => {
    return new Promise<string>((resolve) => {
      signal.addEventListener("abort", () => resolve("late"));
    });
  });
  server.tool("deaf", {}, () => new Promise<string>(() => {}));
  return server;
}

/** The outcome of the only call to a tool, which must have begun once and ended once. */
async function outcomeOf(target: string): Promise<string | undefined> {
  await vi.waitFor(() => expect(ends.some((end) => end.target === target)).toBe(true), 5_000);
  const ofTarget = ends.filter((end) => end.target === target);
  expect(ofTarget).toHaveLength(1);
  const begun = starts.filter((start) => start.context === ofTarget[0]?.context);
  expect(begun).toHaveLength(1);
  expect(begun[0]).toMatchObject({ target, startedAtMs: ofTarget[0]?.startedAtMs });
  return ofTarget[0]?.outcome;
}

describe.each(ERAS)(
  "a %s request is told to channels when it begins and once when it ends",
  (era) => {
    it.each([
      ["fine", "ok"],
      ["later", "ok"],
      ["refuses", "tool_error"],
      ["fails", "error"],
      // Refused before any handler runs: it has begun all the same.
      ["no_such_tool", "error"],
    ])("%s: %s", async (tool, outcome) => {
      const client = await RawClient.connect(serve(), era);
      await client.request("tools/call", { name: tool, arguments: {} });
      expect(await outcomeOf(tool)).toBe(outcome);
    });

    it.each(["waits", "returns_when_aborted"])("cancelled by its client: %s", async (tool) => {
      const client = await RawClient.connect(serve(), era);
      void client.request("tools/call", { name: tool, arguments: {} });
      await vi.waitFor(() => expect(starts.some(({ target }) => target === tool)).toBe(true));
      const { requestId } = starts.find(({ target }) => target === tool)?.context ?? {};
      client.send({ method: "notifications/cancelled", params: { requestId } });
      expect(await outcomeOf(tool)).toBe("cancelled");
    });

    it("at its deadline", async () => {
      const client = await RawClient.connect(serve({ deadlines: { totalMs: 20 } }), era);
      await client.request("tools/call", { name: "waits", arguments: {} });
      expect(await outcomeOf("waits")).toBe("error");
    });

    it("cancelled, with a handler that never ends: its place is free again in the end", async () => {
      const server = serve({ deadlines: { totalMs: 20 }, limits: { maxInFlight: 1 } });
      const client = await RawClient.connect(server, era);
      void client.request("tools/call", { name: "deaf", arguments: {} });
      await vi.waitFor(() => expect(starts.some(({ target }) => target === "deaf")).toBe(true));
      const { requestId } = starts.find(({ target }) => target === "deaf")?.context ?? {};
      client.send({ method: "notifications/cancelled", params: { requestId } });
      expect(await outcomeOf("deaf")).toBe("cancelled");
      expect((await client.call("fine")).content).toEqual([{ type: "text", text: "fine" }]);
    });
  },
);
