import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { accept, checkContract, decline, MCPTestClient } from "@backplane/testing";
import { fuzzTools } from "@backplane/testing/fuzz";
import { z } from "zod";
import { MyMCPServer } from "./my-mcp-server.ts";

const Weather = z.object({ location: z.string(), temperature: z.number(), condition: z.string() });

const client = new MCPTestClient(new MyMCPServer());
before(() => client.connect());
after(() => client.disconnect());

test("get_weather", async () => {
  const result = await client.call("get_weather", {
    arguments: { location: "Test City" },
    output: Weather,
  });

  assert.equal(result.location, "Test City");
  assert.ok("temperature" in result);
  assert.ok("condition" in result);
});

test("a question is answered by a script, in both eras", async () => {
  for (const protocol of ["modern", "legacy"] as const) {
    const answers = { elicit: [accept({ text: "Storm at noon" }), decline()] };
    const asked = new MCPTestClient(MyMCPServer, { protocol, answers });

    assert.equal(await asked.call("send_alert"), "sent: Storm at noon");
    assert.equal(await asked.call("send_alert"), "not sent");
    await asked.disconnect();
  }
});

test("over real HTTP, with everything that crossed the wire", async () => {
  const remote = new MCPTestClient(MyMCPServer, { transport: "http" });
  await remote.call("get_weather", { arguments: { location: "Oslo" } });

  const [request] = remote.traffic.filter(({ message }) => message?.method === "tools/call");
  assert.equal(request?.http?.headers["mcp-name"], "get_weather");
  await remote.disconnect();
});

// From `dist`, where this file runs, to the committed file.
const contract = new URL("../../unit-testing/contract.json", import.meta.url);

test("the server shows what was agreed", async () => {
  await checkContract(MyMCPServer, fileURLToPath(contract));
});

test("no arguments, right or wrong, break a tool", async () => {
  const answers = { elicit: () => decline() };
  const report = await fuzzTools(MyMCPServer, { runs: 25, client: { answers } });
  assert.deepEqual(report.findings, []);
});
