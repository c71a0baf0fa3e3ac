import { describe, expect, it } from "vitest";
import { listen } from "../protocol/harness/http.ts";
import { textOf } from "../protocol/harness/messages.ts";
import { startServer } from "../protocol/harness/servers.ts";
import { eras } from "./harness/eras.ts";
import { expectRefused } from "./harness/expect-refused.ts";
import { Work } from "./harness/work.ts";

describe.each(eras)("limits.maxInFlight with $name calls", ({ connect }) => {
  it("refuses one more, until one has ended", async () => {
    const work = new Work();
    const { server, url } = await startServer(work.register, { limits: { maxInFlight: 2 } });
    try {
      const client = await connect(url);
      const first = client.call("work", { name: "first" });
      const second = client.call("work", { name: "second" });
      await Promise.all([work.started("first"), work.started("second")]);
      expectRefused(await client.call("plain"), "overloaded");
      expectRefused(await client.call("work", { name: "third" }), "overloaded");
      work.release("first");
      expect(textOf((await first).message)).toBe("finished first");
      expect(textOf((await client.call("plain")).message)).toBe("plain");
      work.release("second");
      expect(textOf((await second).message)).toBe("finished second");
    } finally {
      await server.stop();
    }
  });

  it("counts a handler that runs on after its deadline, and no listen stream", async () => {
    const work = new Work();
    let free: (text: string) => void = () => {};
    const { server, url } = await startServer(
      (server) => {
        work.register(server);
        server.tool("deaf", { deadlines: { totalMs: 50 } }, () => {
          return new Promise<string>((resolve) => {
            free = resolve;
          });
        });
      },
      { limits: { maxInFlight: 1 } },
    );
    try {
      const client = await connect(url);
      const { stream } = await listen(url, { toolsListChanged: true });
      expect((await client.call("deaf")).message?.error?.code).toBe(-1504);
      expectRefused(await client.call("plain"), "overloaded");
      free("at last");
      expect(textOf((await client.call("plain")).message)).toBe("plain");
      stream.close();
    } finally {
      await server.stop();
    }
  });
});
