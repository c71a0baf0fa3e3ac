import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { MCPServer } from "@backplane/server";
import { MCPTestClient } from "@backplane/testing";
import { formatConformance, runConformance } from "@backplane/testing/conformance";
import { expect, it } from "vitest";
import { installSuite, nodeForSuite } from "./suite.mjs";

const deadlineMs = 120_000;

/** A server as anybody's, without the fixtures of the suite. */
function notes(): MCPServer {
  const server = new MCPServer({ name: "notes", version: "1.0.0" });
  server.tool("read_note", { description: "Reads a note" }, () => "Buy milk");
  server.prompt("plan", { description: "Plans a day" }, () => "Plan the day");
  server.resource("note://today", { name: "today" }, () => "Buy milk");
  return server;
}

it.each(["2025-11-25", "2026-07-28"] as const)(
  "a server without fixtures passes what is general in %s",
  async (revision) => {
    const [suite, node] = [installSuite(), nodeForSuite()];
    const report = await runConformance(notes, { revision, suite, node });
    expect(report.ok, formatConformance(report)).toBe(true);
    expect(report.scenarios.length).toBeGreaterThan(5);
  },
  deadlineMs,
);

it(
  "a server that does not look at its host is found out",
  async () => {
    // Whatever host it is called by: what a page in a browser could then reach.
    const server = notes();
    const careless = createServer((request, response) => {
      delete request.headers.origin;
      request.headers.host = "localhost";
      server.nodeHandler(request, response);
    });
    await new Promise<void>((resolve) => careless.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(careless.address() as AddressInfo).port}/mcp`;
    try {
      const report = await runConformance(url, {
        suite: installSuite(),
        node: nodeForSuite(),
        revision: "2025-11-25",
        scenarios: ["dns-rebinding-protection", "ping", "no-such-scenario"],
      });
      expect(report.ok).toBe(false);
      expect(report.scenarios.map(({ ok }) => ok)).toEqual([false, true, false]);
      expect(formatConformance(report)).toContain("1/3 scenarios passed");
    } finally {
      careless.close();
      await server.stop();
    }
  },
  deadlineMs,
);

it("a client of the kit is no server", async () => {
  const options = { suite: installSuite(), node: nodeForSuite() };
  await expect(runConformance(MCPTestClient as never, options)).rejects.toThrow("an MCPServer");
});
