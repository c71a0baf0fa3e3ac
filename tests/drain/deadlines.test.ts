import { setTimeout as sleep } from "node:timers/promises";
import type { Deadlines, MCPServer } from "@backplane/server";
import { afterEach, describe, expect, it } from "vitest";
import type { Exchange } from "../protocol/harness/http.ts";
import { openSession } from "../protocol/harness/legacy-session.ts";
import { textOf } from "../protocol/harness/messages.ts";
import { startServer } from "../protocol/harness/servers.ts";
import { untilAborted } from "../protocol/harness/until-aborted.ts";
import { eras } from "./harness/eras.ts";

const neverMs = 3_600_000;

let stop: (() => Promise<void>) | undefined;

afterEach(async () => {
  await stop?.();
  stop = undefined;
});

async function serve(
  configure: (server: MCPServer) => void,
  deadlines: Partial<Deadlines> = {},
): Promise<string> {
  const { server, url } = await startServer(configure, { deadlines }, { drainTimeoutMs: 0 });
  stop = () => server.stop();
  return url;
}

/** Collects what ended the handlers that wait for their signal. */
function reasons(): { readonly seen: unknown[]; wait(signal: AbortSignal): Promise<never> } {
  const seen: unknown[] = [];
  return {
    seen,
    async wait(signal) {
      try {
        return await untilAborted(signal);
      } finally {
        seen.push(signal.reason);
      }
    },
  };
}

function expectDeadline(answer: Exchange, deadline: string, limitMs: number): void {
  expect(answer.message?.error).toMatchObject({ code: -1504, data: { deadline, limitMs } });
  expect(answer.message?.error?.message).toContain(`${deadline} limit of ${limitMs} ms`);
}

describe.each(eras)("deadlines of $name calls", ({ connect }) => {
  it("of the server end a silent call, by its signal, and say which", async () => {
    const { seen, wait } = reasons();
    const url = await serve(
      (server) => server.tool("silent", {}, (_args, { signal }) => wait(signal)),
      { idleMs: 100 },
    );
    expectDeadline(await (await connect(url)).call("silent"), "idle", 100);
    expect(seen).toMatchObject([{ code: -1504, data: { deadline: "idle" } }]);
  });

  it("answer in time for a handler that ignores its signal", async () => {
    const url = await serve(
      (server) => server.tool("deaf", {}, () => new Promise<string>(() => {})),
      { totalMs: 100 },
    );
    expectDeadline(await (await connect(url)).call("deaf"), "total", 100);
  });

  it("leave a call alone that reports progress, whether or not the client wants it", async () => {
    const url = await serve(
      (server) =>
        server.tool("steady", {}, async (_args, context) => {
          for (let step = 1; step <= 20; step++) {
            await sleep(100);
            context.progress(step);
          }
          return "done";
        }),
      { idleMs: 1_500 },
    );
    const client = await connect(url);
    const [unasked, asked] = await Promise.all([client.call("steady"), client.open("steady")]);
    expect(textOf(unasked.message)).toBe("done");
    expect(textOf(await asked.until(({ method }) => method === undefined))).toBe("done");
  });

  it("have a cap that progress does not move", async () => {
    const { seen, wait } = reasons();
    const url = await serve(
      (server) =>
        server.tool("endless", {}, (_args, context) => {
          const ticking = setInterval(() => context.progress(performance.now()), 10);
          return wait(context.signal).finally(() => clearInterval(ticking));
        }),
      { idleMs: neverMs, totalMs: 300 },
    );
    const client = await connect(url);
    expectDeadline(await client.call("endless"), "total", 300);
    const stream = await client.open("endless");
    const last = await stream.until(({ method }) => method === undefined);
    expect(last.error).toMatchObject({ code: -1504, data: { deadline: "total", limitMs: 300 } });
    await stream.ended();
    expect(seen).toHaveLength(2);
  });

  it("of a tool come before those of the server, in both directions", async () => {
    const { wait } = reasons();
    const url = await serve(
      (server) => {
        server.tool("hasty", { deadlines: { idleMs: 50 } }, (_args, { signal }) => wait(signal));
        server.tool("short", { deadlines: { totalMs: 50 } }, (_args, { signal }) => wait(signal));
        server.tool(
          "patient",
          { deadlines: { idleMs: neverMs, totalMs: neverMs } },
          async (_args, { signal }) => {
            await sleep(1_000);
            return `aborted ${signal.aborted}`;
          },
        );
      },
      { idleMs: 400, totalMs: 500 },
    );
    const client = await connect(url);
    expectDeadline(await client.call("hasty"), "idle", 50);
    expectDeadline(await client.call("short"), "total", 50);
    expect(textOf((await client.call("patient")).message)).toBe("aborted false");
  });
});

describe("a legacy client that is asked", () => {
  const schema = { type: "object", properties: { name: { type: "string" } } } as const;
  const asking = (server: MCPServer) =>
    server.tool("ask", {}, async (_args, context) => {
      const { action } = await context.elicit("name", { message: "Your name?", schema });
      return action;
    });

  it("may take longer than the idle and the total limit", async () => {
    const url = await serve(asking, { idleMs: 150, totalMs: 200 });
    const session = await openSession(url, { capabilities: { elicitation: {} } });
    const stream = await session.openTool("ask");
    const question = await stream.until(({ method }) => method === "elicitation/create");
    await sleep(800);
    await session.respond(question.id, { action: "accept", content: { name: "Ada" } });
    const answer = await stream.until(({ method }) => method === undefined);
    expect(textOf(answer)).toBe("accept");
  });

  it("has until deadlines.inputMs, and is told when that is over", async () => {
    const url = await serve(asking, { inputMs: 200 });
    const session = await openSession(url, { capabilities: { elicitation: {} } });
    const stream = await session.openTool("ask");
    const question = await stream.until(({ method }) => method === "elicitation/create");
    const cancelled = await stream.until(({ method }) => method === "notifications/cancelled");
    expect(cancelled.params?.["requestId"]).toBe(question.id);
    const { error } = await stream.until(({ method }) => method === undefined);
    expect(error).toMatchObject({ code: -1504, data: { deadline: "input", limitMs: 200 } });
    expect(error?.message).toContain("deadlines.inputMs");
  });

  it("starts the clocks again with its answer", async () => {
    const url = await serve(
      (server) =>
        server.tool("ask_then_hang", {}, async (_args, context) => {
          await context.elicit("name", { message: "Your name?", schema });
          return untilAborted(context.signal);
        }),
      { idleMs: 200 },
    );
    const session = await openSession(url, { capabilities: { elicitation: {} } });
    const stream = await session.openTool("ask_then_hang");
    const question = await stream.until(({ method }) => method === "elicitation/create");
    await session.respond(question.id, { action: "decline" });
    const { error } = await stream.until(({ method }) => method === undefined);
    expect(error).toMatchObject({ code: -1504, data: { deadline: "idle" } });
  });
});
