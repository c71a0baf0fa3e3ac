import { describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import { callTool, modern } from "./harness/http.ts";
import { openSession } from "./harness/legacy-session.ts";
import { useServer } from "./harness/servers.ts";

const everything = useEverything();
const own = useServer((server) => {
  server.tool("test_simple_text", {}, () => "text");
  server.tool("test_tool_with_progress", {}, (_args, context) => {
    setTimeout(() => context.progress(1_000), 5);
    for (const progress of [0, 50, 100]) context.progress({ progress, total: 100 });
    return "done";
  });
});

const extensionMethods = [
  "tasks/get",
  "tasks/update",
  "tasks/cancel",
  "skills/list",
  "skills/get",
  "resources/directory/read",
];
const taskMethods = ["tasks/get", "tasks/result", "tasks/list", "tasks/cancel"];

describe.each([
  ["apps/everything", everything],
  ["a server of this process", own],
])("what is not offered by %s", (_name, target) => {
  it("[S26-11a] no extension is declared", async () => {
    const { message } = await modern(target.url, "server/discover");
    expect(message?.result?.capabilities?.["extensions"] ?? {}).toEqual({});
    expect(message?.result?.capabilities).not.toHaveProperty("tasks");
  });

  it.each(extensionMethods)("[S26-11a] the method %s does not exist", async (method) => {
    const capabilities = {
      extensions: { "io.modelcontextprotocol/tasks": {}, "io.modelcontextprotocol/skills": {} },
    };
    const answer = await modern(
      target.url,
      method,
      { taskId: "t", name: "s", uri: "skill://s" },
      { capabilities },
    );
    expect(answer.status).toBe(404);
    expect(answer.message?.error?.code).toBe(-32601);
  });

  it("[S26-11a] a client that declares extensions gets core behaviour", async () => {
    const capabilities = {
      extensions: { "io.modelcontextprotocol/tasks": {}, "com.example/unknown": { x: 1 } },
    };
    const { message } = await callTool(target.url, "test_simple_text", {}, { capabilities });
    expect(message?.result?.resultType).toBe("complete");
    expect(message?.result?.content?.[0]?.type).toBe("text");
  });

  it("[S25-12] no session declares tasks, and no tool offers them", async () => {
    const session = await openSession(target.url);
    expect(session.initializeResult?.capabilities).not.toHaveProperty("tasks");
    const { message } = await session.request("tools/list");
    for (const tool of message?.result?.tools ?? []) {
      const support = (tool as { execution?: { taskSupport?: string } }).execution?.taskSupport;
      expect(support ?? "forbidden").toBe("forbidden");
    }
  });

  it.each(taskMethods)("[S25-12] a session has no method %s", async (method) => {
    const session = await openSession(target.url);
    const { message } = await session.request(method, { taskId: "t" });
    expect(message?.error?.code).toBe(-32601);
  });

  it("[S25-12, S25-13] a call that asks for a task is answered as a call, and its progress ends with it", async () => {
    const session = await openSession(target.url);
    const stream = await session.openRequest("tools/call", {
      name: "test_tool_with_progress",
      arguments: {},
      task: { ttl: 1000 },
      _meta: { progressToken: "p" },
    });
    const response = await stream.until(({ method }) => method === undefined);
    expect(response.error?.code ?? response.result?.content).toBeDefined();
    expect(response.result ?? {}).not.toHaveProperty("task");
    await stream.ended();
    expect(stream.messages.at(-1)).toEqual(response);
  });
});
