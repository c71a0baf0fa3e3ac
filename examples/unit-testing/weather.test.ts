import { MCPTestClient } from "@backplane/testing";
import { matchers } from "@backplane/testing/vitest";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MyMCPServer } from "./my-mcp-server.ts";

expect.extend(matchers);

let client: MCPTestClient;
beforeEach(async () => {
  client = new MCPTestClient(MyMCPServer);
  await client.connect();
});
afterEach(() => client.disconnect());

it("get_weather", async () => {
  const result = await client.callTool("get_weather", { arguments: { location: "Test City" } });
  expect(result).toSucceed();
  expect(result).toHaveStructuredContent({ location: "Test City", condition: "sunny" });
});

it("get_weather for nowhere", async () => {
  const result = await client.callTool("get_weather", { arguments: { location: "Atlantis" } });
  expect(result).toFailWith({ code: -1001, message: /Atlantis/ });
});

it("forecast", async () => {
  await client.callTool("forecast", { onProgress: () => {} });
  expect(client).toHaveProgressed([1, 2, { progress: 3, total: 3 }]);
});
