import { expect, it } from "vitest";
import { type FaultCase, play } from "./harness/faults.ts";

const opens = (
  request: Parameters<NonNullable<FaultCase["server"]["script"]>[string]>[0],
  id: string,
) =>
  request.result(
    {
      protocolVersion: "2025-11-25",
      capabilities: { tools: {} },
      serverInfo: { name: "scripted", version: "1.0.0" },
    },
    { "mcp-session-id": id },
  );

it.each<FaultCase>([
  {
    name: "a session that is gone at every call ends after a new one was tried",
    server: { session: "s1", script: { "tools/call": (request) => request.text("", 404) } },
    client: { maxRetries: 5 },
    expected: { code: "session_lost", retry: "always" },
    after: (server) => expect(server.count("initialize")).toBe(2),
  },
  {
    name: "a session that is gone and cannot be opened again",
    server: {
      session: "s1",
      script: {
        "tools/call": (request) => request.text("", 404),
        initialize: (request) => {
          if (request.server.count("initialize") === 1) opens(request, "s1");
          else request.text("", 503);
        },
      },
    },
    client: { maxRetries: 1 },
    expected: { code: "http_status" },
  },
  {
    name: "a session id that no header can carry back",
    server: { session: `s${"x".repeat(2_000)}` },
    expected: { code: "invalid_response", retry: "never", says: /Mcp-Session-Id/ },
  },
  {
    name: "a server that wants another session than it gave",
    server: {
      session: "s1",
      script: { "tools/call": (request) => request.text("no such session", 400) },
    },
    expected: { code: "http_status", retry: "never", says: /400/ },
  },
  {
    name: "a version that this client does not speak",
    server: {
      script: {
        initialize: (request) =>
          request.result({
            protocolVersion: "2031-01-01",
            capabilities: {},
            serverInfo: { name: "scripted", version: "1.0.0" },
          }),
      },
    },
    expected: { code: "unsupported_version", retry: "never", says: /2031-01-01/ },
  },
  {
    name: "a session that DELETE does not end",
    server: { session: "s1", script: { DELETE: () => undefined } },
    act: async (client) => {
      await client.callTool("work");
      await client.callTool("work", {}, { signal: AbortSignal.abort() });
    },
    expected: { code: "aborted" },
  },
])("legacy: $name", (fault) => play("legacy", fault));

it("legacy: a session id on a later answer does not replace that of the session", async () => {
  await play("legacy", {
    name: "another id",
    server: {
      session: "s1",
      script: {
        "tools/call": (request) => request.result({ content: [] }, { "mcp-session-id": "evil" }),
      },
    },
    act: async (client) => {
      await client.callTool("work");
      await client.callTool("work");
      await client.callTool("work", {}, { signal: AbortSignal.abort() });
    },
    expected: { code: "aborted" },
    after: (server) => {
      const calls = server.received.filter(({ name }) => name === "tools/call");
      expect(calls.map(({ headers }) => headers["mcp-session-id"])).toEqual(["s1", "s1"]);
    },
  });
});

it("modern: a session id is not sent back", async () => {
  await play("modern", {
    name: "a session nobody has",
    server: {
      script: {
        "server/discover": (request) =>
          request.result(
            { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } },
            { "mcp-session-id": "s1" },
          ),
      },
    },
    act: async (client) => {
      await client.callTool("work");
      await client.callTool("work", {}, { signal: AbortSignal.abort() });
    },
    expected: { code: "aborted" },
    after: (server) => {
      for (const { headers } of server.received) expect(headers["mcp-session-id"]).toBeUndefined();
    },
  });
});
