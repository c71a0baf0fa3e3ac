import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnv, checkout, freePort, remove, repository, start } from "../tooling/fixture.ts";
import { applyDockerignore, type Image, inside, perform } from "./dockerfile.ts";

const MAX_CONTENT_BYTES = 100 * 1024 * 1024;
const KEY = "key-of-the-tests-of-the-image";
/** `node` in the official images; an image's user where the tests may become it. */
const NODE_USER = process.getuid?.() === 0 ? { uid: 1_000, gid: 1_000 } : {};

describe("the image that the Dockerfile makes", () => {
  let context: string;
  let scratch: string;
  let image: Image;

  beforeAll(() => {
    context = checkout();
    applyDockerignore(context);
    scratch = mkdtempSync(join(tmpdir(), "backplane-image-"));
    chmodSync(scratch, 0o755);
    const text = readFileSync(join(repository, "deploy/docker/Dockerfile"), "utf8");
    image = perform(text, context, scratch);
    // A read-only root file system.
    execFileSync("chmod", ["-R", "a-w", image.root]);
  }, 600_000);
  afterAll(() => {
    execFileSync("chmod", ["-R", "u+w", scratch]);
    remove(context, scratch);
  });

  it("holds no sources, no tests, no tools, and at most 100 MB", () => {
    const kilobytes = execFileSync("du", ["-sk", "--apparent-size", image.root], {
      encoding: "utf8",
    });
    expect(Number.parseInt(kilobytes, 10) * 1024).toBeLessThan(MAX_CONTENT_BYTES);
    const found = execFileSync(
      "find",
      [
        image.root,
        ...["-name", "*.test.*", "-path", "*@backplane*", "-o", "-path", "*/.pnpm/typescript@*"],
        ...["-o", "-path", "*/.pnpm/vitest@*", "-o", "-path", "*/app/src"],
      ],
      { encoding: "utf8" },
    );
    expect(found).toBe("");
  });

  it("starts as a user that may write nothing, is healthy, serves, and drains at its stop signal", async () => {
    const port = await freePort();
    const env = bareEnv(process.env["PATH"] ?? "", {
      ...image.env,
      PORT: String(port),
      ALLOWED_HOSTS: "localhost",
      API_KEYS: `tester=${KEY}`,
      DRAIN_DELAY_MS: "1000",
    });
    const options = { cwd: inside(image, "."), env, ...NODE_USER };
    const health = (): number | null => {
      const [command, ...args] = image.healthCheck as [string, ...string[]];
      return spawnSync(command, args, options).status;
    };
    expect(health()).toBe(1);
    const [command, ...args] = image.command as [string, ...string[]];
    const running = start(command, args, options);
    await running.waitFor(/MCP at/);
    expect(health()).toBe(0);

    const call = (key: string) =>
      fetch(`http://localhost:${port}/mcp`, {
        method: "POST",
        headers: {
          "X-API-Key": key,
          "Content-Type": "application/json",
          Accept: "application/json, text/event-stream",
          "MCP-Protocol-Version": "2026-07-28",
          "Mcp-Method": "tools/call",
          "Mcp-Name": "get_weather",
        },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: 1,
          method: "tools/call",
          params: {
            name: "get_weather",
            arguments: { location: "Seattle" },
            _meta: {
              "io.modelcontextprotocol/protocolVersion": "2026-07-28",
              "io.modelcontextprotocol/clientCapabilities": {},
            },
          },
        }),
      });
    expect((await call("another-key-of-the-same-length")).status).toBe(401);
    const { result } = (await (await call(KEY)).json()) as { result: Record<string, unknown> };
    expect(result).toMatchObject({ structuredContent: { observedOn: "2015-12-31" } });

    running.child.kill(image.stopSignal as NodeJS.Signals);
    const ready = async () => (await fetch(`http://localhost:${port}/ready`)).status;
    while ((await ready()) === 200);
    expect(await ready()).toBe(503);
    expect((await running.finished).code).toBe(0);
  }, 60_000);
});
