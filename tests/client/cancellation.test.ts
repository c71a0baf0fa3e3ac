import { describe, expect, it, vi } from "vitest";
import { done, requestsOf } from "./harness/answers.ts";
import { clientOf, eras, scripted } from "./harness/clients.ts";

describe.each(eras)("%s: a request that is given up", (era) => {
  it("[C26-18a] is cancelled, and no other", async () => {
    let closed = 0;
    const server = await scripted({
      era,
      script: {
        "tools/call": (request) => {
          if (request.message.params?.["name"] === "work") return request.result(done);
          request.response.once("close", () => closed++);
        },
      },
    });
    const client = clientOf(server);
    await client.connect();
    const controller = new AbortController();
    const call = client.callTool("slow", {}, { signal: controller.signal });
    const other = client.callTool("slow", {}, { timeoutMs: 5_000 });
    other.catch(() => undefined);
    await vi.waitFor(() => expect(server.count("tools/call")).toBe(2));
    controller.abort("enough");
    await expect(call).rejects.toMatchObject({ code: "aborted", cause: "enough" });
    await client.callTool("work");
    if (era === "modern") {
      await vi.waitFor(() => expect(closed).toBe(1));
      expect(server.count("notifications/cancelled")).toBe(0);
    } else {
      await vi.waitFor(() => expect(server.count("notifications/cancelled")).toBe(1));
      const [first] = requestsOf(server, "tools/call");
      const [cancelled] = requestsOf(server, "notifications/cancelled");
      expect(cancelled?.message.params?.["requestId"]).toBe(first?.message.id);
    }
  });

  it("[C26-18b] has no use for a response that comes late", async () => {
    let answer: (() => void) | undefined;
    const server = await scripted({
      era,
      script: {
        "tools/call": (request) => {
          if (request.server.count("tools/call") > 1) return request.result(done);
          const stream = request.stream();
          answer = () => {
            const result = request.complete(done);
            stream.message({ jsonrpc: "2.0", id: request.message.id, result });
            stream.end();
          };
        },
      },
    });
    const client = clientOf(server);
    const call = client.callTool("work", {}, { timeoutMs: 100 });
    await expect(call).rejects.toMatchObject({ code: "timeout" });
    answer?.();
    expect((await client.callTool("work")).content).toEqual(done["content"]);
  });

  it("is not sent at all when it was given up before", async () => {
    const server = await scripted({ era });
    const client = clientOf(server);
    await client.connect();
    await expect(
      client.callTool("work", {}, { signal: AbortSignal.abort("no") }),
    ).rejects.toMatchObject({ code: "aborted", cause: "no" });
    expect(server.count("tools/call")).toBe(0);
  });
});

describe.each(eras)("%s: [C26-18c] timeouts", (era) => {
  const reporting = (everyMs: number) =>
    scripted({
      era,
      script: {
        "tools/call": (request) => {
          const stream = request.stream();
          const { _meta } = request.message.params ?? {};
          const { progressToken } = _meta as { progressToken?: unknown };
          stream.endlessly((progress) => {
            if (progress === 8) {
              const result = request.complete(done);
              stream.message({ jsonrpc: "2.0", id: request.message.id, result });
            } else stream.notify("notifications/progress", { progressToken, progress });
          }, everyMs);
        },
      },
    });
  const onProgress = () => undefined;

  it("start anew with each progress report", async () => {
    const server = await reporting(100);
    const result = await clientOf(server).callTool("work", {}, { timeoutMs: 500, onProgress });
    expect(result.content).toEqual(done["content"]);
  });

  it("have a hard maximum, which progress does not move", async () => {
    const server = await reporting(100);
    await expect(
      clientOf(server).callTool(
        "work",
        {},
        { timeoutMs: 5_000, maxTotalTimeoutMs: 300, onProgress },
      ),
    ).rejects.toMatchObject({ code: "timeout", details: { deadline: "total" } });
  });

  it("are those of the client unless the request says otherwise", async () => {
    const server = await scripted({ era, script: { "tools/call": () => undefined } });
    const client = clientOf(server, { timeoutMs: 100 });
    await expect(client.callTool("work")).rejects.toMatchObject({
      code: "timeout",
      details: { deadline: "idle", limitMs: 100 },
    });
    await expect(client.callTool("work", {}, { timeoutMs: 200 })).rejects.toMatchObject({
      code: "timeout",
      details: { deadline: "idle", limitMs: 200 },
    });
  });
});
