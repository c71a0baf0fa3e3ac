import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { MCPClient } from "@backplane/client";
import { describe, expect, it } from "vitest";
import { startCanary } from "../client/harness/canary.ts";
import { closing, eras, revisionOf } from "../client/harness/clients.ts";
import type { Answer, ReceivedRequest } from "../client/harness/scripted-server.ts";
import { expectTyped, type FaultCase, impatient, play } from "./harness/faults.ts";

const onCall = (answer: Answer): FaultCase["server"] => ({ script: { "tools/call": answer } });
const late = { code: "timeout", retry: "if-idempotent" } as const;
const lost = { code: "connection_lost", retry: "if-idempotent" } as const;

const sockets: FaultCase[] = [
  {
    name: "never answers",
    server: onCall(() => undefined),
    expected: { ...late, says: /timeoutMs/ },
  },
  {
    name: "sends headers and no more",
    server: onCall((request) => {
      request.response.writeHead(200, { "content-type": "application/json" });
      request.response.flushHeaders();
    }),
    expected: late,
  },
  {
    name: "sends a byte at a time",
    server: onCall((request) => {
      request.response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => request.response.write(" "), 20);
      request.response.once("close", () => clearInterval(timer));
    }),
    expected: late,
  },
  {
    name: "cuts the connection instead of an answer",
    server: onCall((request) => request.die()),
    expected: lost,
  },
  {
    name: "cuts the connection inside of the headers",
    server: onCall((request) => {
      request.bytes("HTTP/1.1 200 OK\r\nContent-Ty").destroySoon();
    }),
    expected: lost,
  },
  {
    name: "cuts the connection inside of the body",
    server: onCall((request) => {
      request
        .bytes('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"a')
        .destroySoon();
    }),
    expected: lost,
  },
  {
    name: "answers something that is no HTTP",
    server: onCall((request) => {
      request.bytes("SSH-2.0-OpenSSH_9.6\r\n").destroySoon();
    }),
    expected: { code: "invalid_response", retry: "never", says: /not HTTP/ },
  },
  {
    name: "answers with headers without end",
    server: onCall((request) => {
      const socket = request.bytes("HTTP/1.1 200 OK\r\n");
      const pour = () => {
        while (!socket.destroyed && socket.write(`X-More: ${"x".repeat(4_000)}\r\n`));
        socket.once("drain", pour);
      };
      pour();
    }),
    expected: { code: "response_too_large", retry: "never" },
  },
  {
    name: "sends informational answers without end",
    server: onCall((request) => {
      const socket = request.bytes("");
      const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 20);
      socket.once("close", () => clearInterval(timer));
    }),
    expected: late,
  },
];

const refusals: FaultCase[] = [
  ...[401, 403].map(
    (status): FaultCase => ({
      name: `answers ${status} with a challenge`,
      server: onCall((request) =>
        request.text("no", status, { "www-authenticate": 'Bearer error="invalid_token"' }),
      ),
      expected: { code: "unauthorized", retry: "never", says: new RegExp(String(status)) },
    }),
  ),
  {
    name: "answers 403 without a challenge",
    server: onCall((request) => request.text("no", 403)),
    expected: { code: "http_status", retry: "never", says: /403/ },
  },
  {
    name: "answers 429",
    server: onCall((request) => request.text("slow down", 429, { "retry-after": "7" })),
    expected: { code: "http_status", retry: "always", says: /429/ },
  },
  ...[500, 502, 504].map(
    (status): FaultCase => ({
      name: `answers ${status}`,
      server: onCall((request) => request.text("<html>", status, { "content-type": "text/html" })),
      expected: { code: "http_status", retry: "if-idempotent", says: new RegExp(String(status)) },
    }),
  ),
  {
    name: "answers 503",
    server: onCall((request) => request.text("later", 503, { "retry-after": "1" })),
    expected: { code: "http_status", retry: "always", says: /503/ },
  },
  {
    name: "answers a status that HTTP does not have",
    server: onCall((request) => {
      request.bytes("HTTP/1.1 799 Whatever\r\nContent-Length: 0\r\n\r\n");
    }),
    expected: { code: "http_status", retry: "never", says: /799/ },
  },
  {
    name: "answers 500 with a body without end",
    server: onCall((request) => {
      request.response.writeHead(500);
      const pour = () => {
        while (!request.response.destroyed && request.response.write("x".repeat(65_536)));
        request.response.once("drain", pour);
      };
      pour();
    }),
    expected: { code: "http_status", says: /500/ },
  },
  {
    name: "answers 400 with an error of its own",
    server: onCall((request) => request.error(-31_000, "not today", { why: "because" }, 400)),
    expected: { code: -31_000, says: /not today/ },
  },
];

describe.each(eras)("%s: a server that", (era) => {
  it.each([...sockets, ...refusals])("$name", (fault) => play(era, fault));

  it.each([301, 302, 303, 307, 308])("redirects with %i is not followed", async (status) => {
    const canary = await startCanary();
    await play(era, {
      name: "redirect",
      server: onCall((request) =>
        request.text("", status, { location: `${canary.url}/mcp?token=secret` }),
      ),
      expected: { code: "redirected", retry: "never", says: new RegExp(String(status)) },
    });
    expect(canary.visits).toEqual([]);
  });

  it("tells when a retry makes sense says it to the caller", async () => {
    await play(era, {
      name: "Retry-After",
      server: onCall((request) => request.text("", 429, { "retry-after": "7" })),
      act: (client) =>
        client.callTool("work").catch((error: unknown) => {
          expect(error).toMatchObject({ retryAfterMs: 7_000, status: 429 });
          throw error;
        }),
      expected: { code: "http_status" },
    });
  });

  it("tells a wait beyond every deadline is not waited for", async () => {
    await play(era, {
      name: "Retry-After: 1 h",
      server: onCall((request) => request.text("", 503, { "retry-after": "3600" })),
      client: { maxRetries: 3 },
      expected: { code: "http_status", retry: "always" },
      after: (server) => expect(server.count("tools/call")).toBe(1),
    });
  });

  it("dies in the middle of a call that may not be repeated is not called again", async () => {
    await play(era, {
      name: "dies",
      server: onCall((request) => request.die()),
      client: { maxRetries: 3 },
      expected: lost,
      after: (server) => expect(server.count("tools/call")).toBe(1),
    });
  });

  it("dies once in a call that may be repeated is called again", async () => {
    let calls = 0;
    await play(era, {
      name: "dies once",
      server: onCall((request: ReceivedRequest) => {
        calls++;
        if (calls === 1) request.die();
        else request.result({ content: [] });
      }),
      client: { maxRetries: 3 },
      act: async (client) => {
        await client.callTool("work", {}, { idempotent: true });
        await client.callTool("work", {}, { signal: AbortSignal.abort() });
      },
      expected: { code: "aborted" },
    });
    expect(calls).toBe(2);
  });

  it("fails in the same way without end is given up", async () => {
    await play(era, {
      name: "500 for ever",
      server: onCall((request) => request.text("", 500)),
      client: { maxRetries: 2, retry: { initialDelayMs: 10 } },
      act: (client) => client.callTool("work", {}, { idempotent: true }),
      expected: { code: "http_status", retry: "if-idempotent" },
      after: (server) => expect(server.count("tools/call")).toBe(3),
    });
  });
});

describe.each(eras)("%s: at the first contact", (era) => {
  const first = era === "modern" ? "server/discover" : "initialize";

  it.each<FaultCase>([
    {
      name: "a server that never answers",
      server: { script: { [first]: () => undefined } },
      client: { connectTimeoutMs: 1_000 },
      expected: { code: "timeout", says: /connectTimeoutMs/ },
    },
    {
      name: "one that answers nonsense",
      server: { script: { [first]: (request) => request.result({ hello: 1 }) } },
      expected: { code: "invalid_response", retry: "never" },
    },
    {
      name: "one that answers 500",
      server: { script: { [first]: (request) => request.text("", 500) } },
      expected: { code: "http_status" },
    },
    {
      name: "one that redirects",
      server: {
        script: { [first]: (request) => request.text("", 308, { location: "https://x.test/" }) },
      },
      expected: { code: "redirected", retry: "never" },
    },
    {
      name: "one that wants credentials",
      server: {
        script: { [first]: (request) => request.text("", 401, { "www-authenticate": "Bearer" }) },
      },
      expected: { code: "unauthorized", retry: "never" },
    },
  ])("$name", (fault) => play(era, { ...fault, act: (client) => client.connect() }));

  it("a port where nobody listens", async () => {
    const probe = createTcpServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, "close");
    const client = closing(
      new MCPClient({
        url: `http://127.0.0.1:${port}/mcp`,
        protocol: revisionOf[era],
        ...impatient,
      }),
    );
    await expectTyped(client.connect(), {
      code: "connection_failed",
      retry: "always",
      says: /ECONNREFUSED/,
    });
  });

  it("a host that is not found", async () => {
    const client = closing(
      new MCPClient({
        url: "http://no-such-host.invalid/mcp",
        protocol: revisionOf[era],
        ...impatient,
      }),
    );
    await expectTyped(client.connect(), { code: "connection_failed" });
  });
});
