import { MemoryResourceProvider } from "@backplane/resources";
import { afterEach, describe, expect, it } from "vitest";
import { RealServer } from "../client/harness/real-server.ts";
import type { InteropClient } from "./harness/interop-client.ts";
import { sdkV1 } from "./harness/sdk-v1.ts";
import { sdkV2Legacy, sdkV2Pinned } from "./harness/sdk-v2.ts";

const MEGABYTE = 1024 * 1024;
const SIZE = 20 * MEGABYTE;
const bytes = Uint8Array.from({ length: SIZE }, (_, index) => (index * 31) >>> 5);
const text = `"Größe" ✓ 😀\n`.repeat(MEGABYTE);

function addResources(server: RealServer["server"]): void {
  const provider = new MemoryResourceProvider({ maxBytes: 8 * SIZE });
  provider.set("memory://bytes", bytes);
  provider.set("memory://text", text);
  server.addResourceProvider(provider, { maxBytes: 4 * SIZE });
}

describe.each([sdkV1, sdkV2Legacy, sdkV2Pinned].map((kind) => [kind.name, kind] as const))(
  "%s",
  (_name, kind) => {
    let client: InteropClient | undefined;
    afterEach(() => client?.close());

    it("reads 20 MB of bytes and of text", { timeout: 60_000 }, async () => {
      const real = await RealServer.start("http", addResources);
      client = await kind.connect({ kind: "http", url: real.url }, {});
      const { contents } = await client.readResource("memory://bytes");
      expect(Buffer.from(contents[0]?.["blob"] as string, "base64").equals(bytes)).toBe(true);
      const read = await client.readResource("memory://text");
      expect(read.contents[0]?.["text"] === text).toBe(true);
    });
  },
);
