import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { modernRequest } from "../protocol/harness/messages.ts";
import { StdioPeer } from "../protocol/harness/stdio.ts";

const script = join(import.meta.dirname, "fixtures", "stdio-server.mjs");
const SERVER_KEYS = "ada=a-key-of-enough-characters";

function start(CLIENT_KEY: string | undefined): StdioPeer {
  const { CLIENT_KEY: _before, ...env } = process.env;
  return new StdioPeer(
    spawn(process.execPath, [script], {
      stdio: "pipe",
      env: { ...env, SERVER_KEYS, ...(CLIENT_KEY !== undefined && { CLIENT_KEY }) },
    }),
  );
}

describe("over stdio", () => {
  it("[R26-11, S26-52b] the credential comes from the environment, and the policy holds", async () => {
    const peer = start("a-key-of-enough-characters");
    const who = await peer.request(
      modernRequest("tools/call", { name: "whoami", arguments: {} }, { id: 1 }),
    );
    expect(who.result?.content?.[0]?.text).toBe("ada");
    const hidden = await peer.request(
      modernRequest("tools/call", { name: "by_role", arguments: {} }, { id: 2 }),
    );
    expect(hidden.error?.code).toBe(-32602);
    expect(await peer.close()).toBe(0);
  });

  it.each([
    ["no credential", undefined, /give the option "headers"/],
    [
      "a bad credential",
      "a-key-of-nobody-here",
      /was refused: The credential is not valid \(key\)/,
    ],
  ])("[R26-11, S26-52b] a server with %s does not start", async (_name, key, message) => {
    const peer = start(key);
    expect(await peer.exit()).not.toBe(0);
    expect(peer.stderr).toMatch(message);
    expect(peer.stderr).not.toMatch(/a-key-of/);
    expect(peer.lines).toEqual([]);
  });
});
