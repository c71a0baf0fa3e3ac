import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { ConfigError } from "./environment.ts";
import { startApplication } from "./harness.test-support.ts";
import { describeStartupError } from "./startup-error.ts";

describe("what keeps the application from starting", () => {
  it("is a taken port, told with the variable to set", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const error = await startApplication({}, { port }).catch((reason: unknown) => reason);
    const text = describeStartupError(error);
    expect(text).toBe(
      `port ${port} on 127.0.0.1 is in use: set PORT to a free one, or to 0 for any`,
    );
    other.close();
  });

  it("is an address that is not ours", async () => {
    const env = { ALLOWED_HOSTS: "x.example" };
    const error = await startApplication(env, { host: "192.0.2.1" }).catch(
      (reason: unknown) => reason,
    );
    expect(describeStartupError(error)).toMatch(/^cannot listen: .*Check HOST and PORT$/);
  });

  it("is a bad variable, in its own words, and anything else with its stack", () => {
    expect(describeStartupError(new ConfigError("PORT=x must be"))).toBe("PORT=x must be");
    expect(describeStartupError(new TypeError("boom"))).toMatch(/TypeError: boom\n\s+at /);
    expect(describeStartupError("boom")).toBe("boom");
  });
});
