import { describe, expect, it } from "vitest";
import { MCPMetrics, type MCPMetricsOptions } from "./mcp-metrics.ts";

const server = {
  serverId: "s",
  load: { inFlight: 0, maxInFlight: 1, streams: 0, maxStreams: 1 },
};

describe("new MCPMetrics refuses", () => {
  it.each<[object, string]>([
    [{}, 'give the option "server", "clients", or both'],
    [{ server, collectEverything: true }, 'unknown option "collectEverything"'],
    [{ server, collectRequestDuration: "yes" }, 'option "collectRequestDuration" must be true'],
    [{ server: {} }, 'option "server" must be a server'],
    [{ clients: {} }, 'option "clients" must be a list'],
    [{ clients: [{}] }, 'option "clients" must be a list'],
    [{ server, maxTargets: 0 }, 'option "maxTargets" must be a whole number of 1 or more'],
    [{ server, openTelemetry: { meter: 1 } }, 'unknown option "meter"'],
  ])("%o", (options, message) => {
    expect(() => new MCPMetrics(options as MCPMetricsOptions)).toThrow(message);
  });
});

it("counts nothing before the first request", async () => {
  const metrics = new MCPMetrics({ server });
  const stats = await metrics.getStats();
  metrics.close();
  expect(stats).toMatchObject({
    totalRequests: 0,
    errorRate: 0,
    averageResponseTimeMs: 0,
    tools: {},
    load: { inFlight: 0 },
    sessions: { open: 0, opened: 0, ended: 0 },
  });
  expect(Date.parse(stats.since)).toBeGreaterThan(0);
});
