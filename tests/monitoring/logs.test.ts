import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { modernRequest } from "../protocol/harness/messages.ts";
import { type StdioPeer, spawnStdio } from "../protocol/harness/stdio.ts";

const script = join(import.meta.dirname, "fixtures/logging-server.mjs");
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const peers: StdioPeer[] = [];

function start(destination: string): StdioPeer {
  const peer = spawnStdio(script, [destination]);
  peers.push(peer);
  return peer;
}

afterEach(() => {
  for (const peer of peers.splice(0)) peer.kill();
});

describe("logs of a server over stdio", () => {
  it.each(["lines", "pino"])("go to stderr alone: %s", async (destination) => {
    const peer = start(destination);
    const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
    const call = modernRequest("tools/call", { name: "logs" }, { meta: { traceparent } });
    const answer = await peer.request(call);
    await peer.close();
    for (const line of peer.lines) expect(JSON.parse(line)).toHaveProperty("jsonrpc", "2.0");
    expect(peer.stderr).toContain("a stray line");
    expect(peer.stderr).not.toContain("hunter2");
    const lines = peer.stderr
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const correlationId = answer.error?.data?.["correlationId"];
    expect(correlationId).toEqual(expect.any(String));
    const ofCall = lines.filter((line) => line["correlationId"] === correlationId);
    expect(ofCall.map((line) => line["channel"]).sort()).toEqual(["requests", "server", "tools"]);
    expect(ofCall.find((line) => line["channel"] === "tools")).toMatchObject({
      traceId: TRACE,
      password: "[redacted]",
    });
  });

  it.each(["pino-on-stdout", "bare-pino-on-stdout"])(
    "never take the protocol's stdout: %s is refused at the start",
    async (destination) => {
      const peer = start(destination);
      await peer.exit();
      expect(peer.lines).toEqual([]);
      expect(peer.stderr).toMatch(/refused: .*"logger".*pino\(pino\.destination\(2\)\)/);
    },
  );
});
