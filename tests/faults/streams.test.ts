import { describe, expect, it } from "vitest";
import { eras } from "../client/harness/clients.ts";
import type { Answer, EventStream, ReceivedRequest } from "../client/harness/scripted-server.ts";
import { type FaultCase, play } from "./harness/faults.ts";

const onCall = (answer: Answer): FaultCase["server"] => ({ script: { "tools/call": answer } });
const done = { content: [{ type: "text", text: "done" }] };
const lost = { code: "connection_lost", retry: "if-idempotent" } as const;
const invalid = { code: "invalid_response", retry: "never" } as const;
const tooLarge = { code: "response_too_large", retry: "never" } as const;
const late = { code: "timeout", retry: "if-idempotent" } as const;

function responseTo(request: ReceivedRequest): object {
  return { jsonrpc: "2.0", id: request.message.id, result: request.complete(done) };
}

const progress = (stream: EventStream, request: ReceivedRequest, value: number) => {
  const progressToken = (request.message.params?.["_meta"] as { progressToken?: unknown })
    ?.progressToken;
  stream.notify("notifications/progress", { progressToken, progress: value });
};

const withProgress: FaultCase["act"] = (client) =>
  client.callTool("work", {}, { onProgress: () => undefined });

const truncated: FaultCase[] = [
  {
    name: "that ends before it began",
    server: onCall((request) => request.stream().end()),
    expected: { ...lost, says: /without the response/ },
  },
  {
    name: "that ends inside of an event",
    server: onCall((request) => {
      const stream = request.stream();
      stream.write(`data: ${JSON.stringify(responseTo(request))}`);
      stream.end();
    }),
    expected: { ...lost, says: /without the response/ },
  },
  {
    name: "that is cut inside of an event",
    server: onCall((request) => {
      request.stream().write(`data: ${JSON.stringify(responseTo(request)).slice(0, 20)}`);
      setImmediate(() => request.die());
    }),
    expected: lost,
  },
  {
    name: "with an event that is no JSON",
    server: onCall((request) => request.stream().write("data: {done}\n\n")),
    expected: { ...invalid, says: /not JSON/ },
  },
  {
    name: "with a message that is none",
    server: onCall((request) => request.stream().message({ jsonrpc: "2.0", hello: 1 })),
    expected: invalid,
  },
  {
    name: "with the response to another request",
    server: onCall((request) => request.stream().message({ ...responseTo(request), id: 4711 })),
    expected: { ...invalid, says: /4711/ },
  },
  {
    name: "with an answer nested without end",
    server: onCall((request) => {
      request.stream().write(`data: ${"[".repeat(50_000)}${"]".repeat(50_000)}\n\n`);
    }),
    expected: { ...tooLarge, says: /maxJsonDepth/ },
  },
];

const endless: FaultCase[] = [
  {
    name: "that stays silent",
    server: onCall((request) => {
      request.stream();
    }),
    expected: { ...late, says: /timeoutMs/ },
  },
  {
    name: "of comments",
    server: onCall((request) => {
      const stream = request.stream();
      stream.endlessly(() => stream.write(": still here\n\n"), 20);
    }),
    expected: { ...late, says: /timeoutMs/ },
  },
  {
    name: "of empty events",
    server: onCall((request) => {
      const stream = request.stream();
      stream.endlessly(() => stream.write("data:\n\n"), 20);
    }),
    expected: late,
  },
  {
    name: "of progress",
    server: onCall((request) => {
      const stream = request.stream();
      stream.endlessly((count) => progress(stream, request, count), 20);
    }),
    act: withProgress,
    expected: { ...late, says: /maxTotalTimeoutMs/ },
  },
  {
    name: "of progress that nobody asked for",
    server: onCall((request) => {
      const stream = request.stream();
      stream.endlessly((count) => {
        stream.notify("notifications/progress", { progressToken: "other", progress: count });
      }, 20);
    }),
    expected: { ...late, says: /timeoutMs/ },
  },
  {
    name: "of notifications that nobody knows",
    server: onCall((request) => {
      const stream = request.stream();
      stream.endlessly(() => stream.notify("notifications/unheard-of", { a: 1 }), 20);
    }),
    expected: late,
  },
  {
    name: "of one event",
    server: onCall((request) => {
      const { response } = request.stream();
      response.write("data: ");
      const pour = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
        response.once("drain", pour);
      };
      pour();
    }),
    client: { limits: { maxResponseBytes: 1_000_000 } },
    expected: { ...tooLarge, says: /maxResponseBytes/ },
  },
  {
    name: "of a field name",
    server: onCall((request) => {
      const { response } = request.stream();
      const pour = () => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
        response.once("drain", pour);
      };
      pour();
    }),
    client: { limits: { maxResponseBytes: 1_000_000 } },
    expected: { ...tooLarge, says: /maxResponseBytes/ },
  },
  {
    name: "of as many events as the network carries",
    server: onCall((request) => {
      const { response } = request.stream();
      const event = 'data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n'.repeat(100);
      const pour = () => {
        while (!response.destroyed && response.write(event));
        response.once("drain", pour);
      };
      pour();
    }),
    client: { limits: { maxStreamEvents: 1_000 } },
    expected: { ...tooLarge, says: /maxStreamEvents/ },
  },
];

describe.each(eras)("%s: an event stream", (era) => {
  it.each([...truncated, ...endless])("$name", (fault) => play(era, fault));

  it("that goes on after the response is let go", async () => {
    await play(era, {
      name: "goes on",
      server: onCall((request) => {
        const stream = request.stream();
        stream.message(responseTo(request));
        stream.endlessly(() => stream.write(": more\n\n"), 20);
      }),
      act: async (client) => {
        expect((await client.callTool("work")).content).toEqual(done.content);
        await client.callTool("work", {}, { signal: AbortSignal.abort() });
      },
      expected: { code: "aborted" },
    });
  });

  it("that repeats the response gives it once", async () => {
    await play(era, {
      name: "repeats",
      server: onCall((request) => {
        const stream = request.stream();
        for (let count = 0; count < 3; count++) stream.message(responseTo(request));
        stream.end();
      }),
      act: async (client) => {
        await client.callTool("work");
        await client.callTool("work", {}, { signal: AbortSignal.abort() });
      },
      expected: { code: "aborted" },
    });
  });
});

describe("legacy: a stream that can be resumed", () => {
  const primed = (request: ReceivedRequest, retryMs: number) => {
    const stream = request.stream();
    stream.write(`id: e1\nretry: ${retryMs}\ndata:\n\n`);
    stream.end();
  };

  it.each<FaultCase>([
    {
      name: "and breaks again each time",
      server: {
        session: "s1",
        script: {
          "tools/call": (request) => primed(request, 10),
          GET: (request) => primed(request, 10),
        },
      },
      expected: { code: "timeout", retry: "if-idempotent" },
    },
    {
      name: "and asks for a wait beyond every deadline",
      server: {
        session: "s1",
        script: { "tools/call": (request) => primed(request, 999_999_999) },
      },
      expected: { code: "connection_lost", retry: "if-idempotent" },
      after: (server) => expect(server.count("GET")).toBe(0),
    },
    {
      name: "and is not known any more",
      server: {
        session: "s1",
        script: {
          "tools/call": (request) => primed(request, 10),
          GET: (request) => request.text("gone", 404),
        },
      },
      expected: { code: "session_lost" },
    },
    {
      name: "and has no GET",
      server: { session: "s1", script: { "tools/call": (request) => primed(request, 10) } },
      expected: { code: "connection_lost", retry: "if-idempotent" },
    },
    {
      name: "and is resumed with the answer to another request",
      server: {
        session: "s1",
        script: {
          "tools/call": (request) => primed(request, 10),
          GET: (request) => {
            request.stream().message({ jsonrpc: "2.0", id: 4711, result: done }, "id: e2");
          },
        },
      },
      expected: { code: "invalid_response" },
    },
  ])("$name", (fault) => play("legacy", fault));
});
