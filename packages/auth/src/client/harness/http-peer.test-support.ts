import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type ScriptedPeer, startScriptedPeer } from "../../test-suite/scripted-peer.ts";

/** Ends with the test. */
export async function startPeer(): Promise<ScriptedPeer> {
  const peer = await startScriptedPeer();
  onTestFinished(() => peer.close());
  return peer;
}

/** Listens on this machine at a free port. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
