import { describe, expect, it } from "vitest";
import { callTool, listen, modern, open, openModern, send } from "./harness/http.ts";
import { modernHeaders, modernRequest, notification, textOf } from "./harness/messages.ts";
import { startServer, useServer } from "./harness/servers.ts";
import { untilAborted } from "./harness/until-aborted.ts";

/** What a running handler saw, by the name that the test gave its call. */
const aborted = new Map<string, () => void>();
const finished: string[] = [];

function waitForAbort(name: string): Promise<void> {
  return new Promise((resolve) => aborted.set(name, resolve));
}

const target = useServer((server) => {
  server.tool("unsteady", {}, (_args, context) => {
    for (const progress of [1, 3, 3, 2, Number.NaN, 5]) context.progress({ progress, total: 5 });
    return "done";
  });
  server.tool("after_the_end", {}, (_args, context) => {
    setTimeout(() => context.progress(99), 5);
    context.progress(1);
    return "done";
  });
  server.tool(
    "until_abort",
    {
      input: {
        type: "object",
        properties: { name: { type: "string" }, talk: { type: "boolean" } },
      },
    },
    async (args, context) => {
      const name = String(args["name"]);
      if (args["talk"] === true) context.progress(1);
      try {
        server.resourceUpdated("test://started");
        await untilAborted(context.signal);
      } finally {
        finished.push(name);
        aborted.get(name)?.();
      }
    },
  );
  server.tool("plain", {}, () => "plain");
  server.resource("test://started", {}, () => "");
});

describe("progress", () => {
  it.each(["token", 7, 0, ""])(
    "[S26-34a, S26-34b] grows, and names the token %j",
    async (token) => {
      const { messages } = await callTool(
        target.url,
        "unsteady",
        {},
        { meta: { progressToken: token } },
      );
      const progress = messages.filter(({ method }) => method === "notifications/progress");
      expect(progress.map(({ params }) => params?.["progress"])).toEqual([1, 3, 5]);
      for (const { params } of progress) expect(params?.["progressToken"]).toStrictEqual(token);
    },
  );

  it("[S26-34b] is not sent without a token", async () => {
    const { headers, messages } = await callTool(target.url, "unsteady");
    expect(headers["content-type"]).toMatch(/^application\/json/);
    expect(messages).toHaveLength(1);
  });

  it.each([[{}], [[]], [null], [true], [1.5]])("refuses the token %j", async (token) => {
    const { status, message } = await callTool(
      target.url,
      "unsteady",
      {},
      {
        meta: { progressToken: token },
      },
    );
    expect(status).toBeLessThan(500);
    expect(message?.error?.code).toBe(-32602);
  });

  it("[S26-34b] stops with the response", async () => {
    const params = { name: "after_the_end", arguments: {} };
    const stream = await openModern(target.url, "tools/call", params, {
      meta: { progressToken: 1 },
    });
    await stream.ended();
    expect(stream.messages).toHaveLength(2);
    expect(textOf(stream.messages.at(-1))).toBe("done");
  });

  it("[S26-34b, S26-18] of one request never appears on the stream of another", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        callTool(target.url, "unsteady", {}, { id: index, meta: { progressToken: `t${index}` } }),
      ),
    );
    for (const [index, { messages, message }] of answers.entries()) {
      expect(message?.id).toBe(index);
      for (const { params } of messages.slice(0, -1)) {
        expect(params?.["progressToken"]).toBe(`t${index}`);
      }
    }
  });
});

describe("cancellation over HTTP", () => {
  it("[S26-19, S26-35b] a closed event stream aborts the handler", async () => {
    const done = waitForAbort("streaming");
    const params = { name: "until_abort", arguments: { name: "streaming", talk: true } };
    const stream = await openModern(target.url, "tools/call", params, {
      meta: { progressToken: 1 },
    });
    await stream.next();
    stream.close();
    await done;
    expect(finished).toContain("streaming");
  });

  it("[S26-19, S26-35b] a closed connection aborts the handler before anything was sent", async () => {
    const started = await listen(target.url, { resourceSubscriptions: ["test://started"] });
    const done = waitForAbort("silent");
    const params = { name: "until_abort", arguments: { name: "silent" } };
    const body = modernRequest("tools/call", params);
    const controller = new AbortController();
    const pending = fetch(target.url, {
      method: "POST",
      headers: modernHeaders(body),
      body: JSON.stringify(body),
      signal: controller.signal,
    });
    await started.stream.next();
    controller.abort();
    await expect(pending).rejects.toThrow();
    await done;
    expect(finished).toContain("silent");
    started.stream.close();
  });

  it.each([
    ["for an unknown id", { requestId: "no such" }],
    ["for an id of another connection", { requestId: 1 }],
    ["without an id", {}],
    ["with an id that is none", { requestId: {} }],
  ])("[S26-35a] a notification %s does no harm", async (_case, params) => {
    const body = notification("notifications/cancelled", params);
    const headers = { ...modernHeaders(modernRequest("tools/list")), "mcp-method": body.method };
    const answer = await send(target.url, { headers, body });
    expect(answer.status).toBeLessThan(500);
    expect((await callTool(target.url, "plain")).status).toBe(200);
  });

  it("[S26-35a] a connection that closes as the response comes does no harm", async () => {
    const body = modernRequest("tools/call", { name: "plain" });
    for (let n = 0; n < 20; n++) {
      const stream = await open(target.url, { headers: modernHeaders(body), body });
      stream.close();
    }
    expect((await callTool(target.url, "plain")).status).toBe(200);
  });

  it("[S26-35b] frees the place of a cancelled request", async () => {
    const { server, url } = await startServer(
      (server) =>
        server.tool("hang", {}, (_args, context) => {
          context.progress(1);
          return untilAborted(context.signal);
        }),
      { limits: { maxInFlight: 1 } },
    );
    try {
      const params = { name: "hang", arguments: {} };
      for (let n = 0; n < 5; n++) {
        const stream = await openModern(url, "tools/call", params, { meta: { progressToken: 1 } });
        const first = stream.status === 200 ? await stream.next() : undefined;
        stream.close();
        if (stream.status === 503) n--;
        else expect(first?.method).toBe("notifications/progress");
      }
    } finally {
      await server.stop();
    }
  });
});

describe("deadlines", () => {
  it("abort the handler and say which ran out", async () => {
    const reasons: unknown[] = [];
    const { server, url } = await startServer((server) => {
      const wait = (signal: AbortSignal) =>
        untilAborted(signal).catch((reason: unknown) => {
          reasons.push(reason);
          throw reason;
        });
      server.tool("idle", { deadlines: { idleMs: 50 } }, (_args, { signal }) => wait(signal));
      server.tool("total", { deadlines: { totalMs: 50, idleMs: 60_000 } }, (_args, context) => {
        const ticking = setInterval(() => context.progress(performance.now()), 5);
        return wait(context.signal).finally(() => clearInterval(ticking));
      });
    });
    try {
      const idle = await callTool(url, "idle");
      expect(idle.message?.error).toMatchObject({ code: -1504, data: { deadline: "idle" } });
      const total = await callTool(url, "total", {}, { meta: { progressToken: 1 } });
      expect(total.message?.error).toMatchObject({ code: -1504, data: { deadline: "total" } });
      expect(reasons).toHaveLength(2);
    } finally {
      await server.stop();
    }
  });

  it("modern requests have no id of their own to collide with", async () => {
    const answers = await Promise.all([
      modern(target.url, "tools/list", {}, { id: 1 }),
      modern(target.url, "tools/list", {}, { id: 1 }),
    ]);
    expect(answers.map(({ message }) => message?.id)).toEqual([1, 1]);
  });
});
