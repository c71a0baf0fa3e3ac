import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  legacyRequest,
  modernRequest,
  notification,
  textOf,
  type WireMessage,
} from "../protocol/harness/messages.ts";
import { type StdioPeer, spawnStdio } from "../protocol/harness/stdio.ts";
import { expectUnavailable } from "./harness/expect-refused.ts";

const script = join(import.meta.dirname, "fixtures/stdio-server.mjs");
const peers: StdioPeer[] = [];

afterEach(() => {
  for (const peer of peers.splice(0)) peer.kill();
});

function start(options: object = {}): StdioPeer {
  const peer = spawnStdio(script, [JSON.stringify(options)]);
  peers.push(peer);
  return peer;
}

/** A call in one era over stdio, and how the client cancels it. */
const eras = [
  {
    name: "modern",
    async prepare() {},
    call: (name: string, id: number) => modernRequest("tools/call", { name }, { id }),
  },
  {
    name: "legacy",
    async prepare(peer: StdioPeer) {
      const params = {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "drain-tests", version: "1.0.0" },
      };
      await peer.request(legacyRequest("initialize", params, "init"));
    },
    call: (name: string, id: number) => legacyRequest("tools/call", { name }, id),
  },
];

async function untilStderr(peer: StdioPeer, text: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!peer.stderr.includes(text)) {
    if (Date.now() > deadline) throw new Error(`stderr never said "${text}": ${peer.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Messages, without what the fixture writes once stdout is its own again. */
function messagesOf(peer: StdioPeer): WireMessage[] {
  expect(peer.lines.at(-1)).toBe("given back");
  expect(peer.lines).not.toContain("not yet given back");
  return peer.lines.slice(0, -1).map((line) => JSON.parse(line) as WireMessage);
}

describe.each(eras)("stdio with $name calls", ({ prepare, call }) => {
  it("ends with stdin once what was asked is answered, and gives stdout back", async () => {
    const peer = start();
    await prepare(peer);
    peer.send(call("later", 1), call("later", 2));
    expect(await peer.close()).toBe(0);
    const answers = messagesOf(peer).filter(({ id }) => typeof id === "number");
    expect(answers.map(({ id }) => id)).toEqual([1, 2]);
    for (const answer of answers) expect(textOf(answer)?.length).toBe(1_000_000);
    expect(peer.stderr).toContain("aborted false");
    expect(peer.stderr).not.toContain("aborted true");
  });

  it("aborts and answers a call that hangs when stdin has ended", async () => {
    const peer = start({ drainTimeoutMs: 200 });
    await prepare(peer);
    peer.send(call("hang", 1));
    expect(await peer.close()).toBe(0);
    expectUnavailable(messagesOf(peer).at(-1)?.error, "draining");
    expect(peer.stderr).toContain("cleaned after AbortError");
  });

  it("stops at SIGTERM after its calls, although stdin stays open", async () => {
    const peer = start({ signals: true });
    await prepare(peer);
    peer.send(call("later", 1));
    await untilStderr(peer, "started");
    peer.kill("SIGTERM");
    await untilStderr(peer, "handlers 0");
    expect(await peer.exit()).toBe(0);
    expect(textOf(messagesOf(peer).at(-1))?.length).toBe(1_000_000);
  });

  it("aborts a call that the client cancels, and does not answer it", async () => {
    const peer = start();
    await prepare(peer);
    peer.send(call("hang", 1));
    await untilStderr(peer, "started");
    peer.send(notification("notifications/cancelled", { requestId: 1, reason: "changed my mind" }));
    await untilStderr(peer, "cleaned after AbortError: changed my mind");
    expect(await peer.close()).toBe(0);
    expect(messagesOf(peer).filter(({ id }) => id === 1)).toEqual([]);
  });
});
