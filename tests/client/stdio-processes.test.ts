import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { MCPClient, type StdioOptions } from "@backplane/client";
import { describe, expect, it, vi } from "vitest";
import { closing, eras, revisionOf } from "./harness/clients.ts";
import { isRunning } from "./harness/processes.ts";

const fixture = (name: string): string => join(import.meta.dirname, "fixtures", name);

interface Pids {
  readonly own: number;
  readonly child: number;
}

describe("4b.12: the server of a program that is gone", () => {
  it.each([
    ["left without closing its client", "exit", undefined],
    ["was interrupted", "wait", "SIGINT"],
    ["was killed", "wait", "SIGKILL"],
  ] as const)("is gone too, when the program %s", async (_, then, signal) => {
    const parent = spawn(process.execPath, [fixture("mortal-parent.mjs"), then], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const { own, child } = JSON.parse(line.toString()) as Pids;
    if (signal !== undefined) {
      expect([isRunning(own), isRunning(child)]).toEqual([true, true]);
      parent.kill(signal);
    }
    await vi.waitFor(
      () => expect([isRunning(own), isRunning(child)]).toEqual([false, false]),
      10_000,
    );
  });
});

describe.each(eras)("%s: 4b.12, 4b.15: a local server that crashes", (era) => {
  const clientOf = (restart: StdioOptions["restart"]): MCPClient =>
    closing(
      new MCPClient({
        protocol: revisionOf[era],
        maxRetries: 0,
        stdio: {
          command: process.execPath,
          args: [fixture("mortal-server.mjs")],
          ...(restart !== undefined && { restart }),
        },
      }),
    );

  it("[C26-12c] is started again by the next request, and listened to again", async () => {
    const client = clientOf({ initialDelayMs: 1 });
    let heard = 0;
    await client.listen(
      { toolsListChanged: true },
      {
        onChange: () => {
          heard++;
        },
      },
    );
    const first = (await client.call("pids")) as Pids;
    await expect(client.callTool("crash")).rejects.toMatchObject({ code: "connection_lost" });
    await vi.waitFor(async () => {
      const { own } = (await client.call("pids")) as Pids;
      expect(own).not.toBe(first.own);
    }, 10_000);
    const before = heard;
    await vi.waitFor(async () => {
      await client.callTool("grow");
      expect(heard).toBeGreaterThan(before);
    }, 10_000);
  });

  it("is not started again and again", async () => {
    const client = clientOf({ maxRestarts: 2, initialDelayMs: 1, maxDelayMs: 2 });
    for (let times = 0; times < 3; times++) {
      await expect(client.callTool("crash")).rejects.toMatchObject({ code: "connection_lost" });
    }
    await expect(client.callTool("crash")).rejects.toMatchObject({
      code: "connection_failed",
      retry: "never",
      details: { maxRestarts: 2 },
    });
  });

  it("or not at all, if it is told so", async () => {
    const client = clientOf(false);
    await expect(client.callTool("crash")).rejects.toMatchObject({ code: "connection_lost" });
    await expect(client.callTool("pids")).rejects.toMatchObject({
      code: "connection_failed",
      retry: "never",
      message: expect.stringContaining("stdio.restart"),
    });
  });
});
