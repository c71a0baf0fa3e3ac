import { expect, it } from "vitest";
import { requestsOf } from "./harness/answers.ts";
import { clientOf, eras, scripted } from "./harness/clients.ts";

it.each(eras)("[C25-19b, C25-21] no task is declared, started or cancelled: %s", async (era) => {
  const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
  const capabilities = { tools: {}, tasks };
  const server = await scripted({
    era,
    tools: [
      {
        name: "long",
        inputSchema: { type: "object" },
        execution: { taskSupport: "required" },
      },
    ],
    script: {
      "server/discover": (request) =>
        request.result({ supportedVersions: ["2026-07-28"], capabilities }),
      initialize: (request) =>
        request.result({
          protocolVersion: "2025-11-25",
          capabilities,
          serverInfo: { name: "scripted", version: "1.0.0" },
        }),
      "tools/call": (request) => {
        if (request.message.params?.["task"] === undefined) {
          request.error(-32_601, "Only as a task");
        } else request.result({ content: [] });
      },
    },
  });
  const client = clientOf(server);
  expect(client.capabilities).not.toHaveProperty("tasks");
  await client.listTools();
  await expect(client.callTool("long")).rejects.toMatchObject({ code: -32_601 });
  for (const { message } of requestsOf(server, "tools/call")) {
    expect(message.params).not.toHaveProperty("task");
  }
  await client.close();
  expect(server.received.filter(({ name }) => name.startsWith("tasks/"))).toEqual([]);
});
