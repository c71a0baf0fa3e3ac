import { describe, expect, it } from "vitest";
import { resolveStdioOptions, type StdioOptions } from "./stdio-options.ts";

const resolve = (options: object) => resolveStdioOptions("MCPClient", options as StdioOptions);

describe("resolveStdioOptions", () => {
  it("fills what is left out", () => {
    expect(resolve({ command: "server", restart: { maxRestarts: 1 } })).toMatchObject({
      args: [],
      env: {},
      stderr: "log",
      shutdown: { stdinEndMs: 2_000, sigtermMs: 2_000 },
      restart: { maxRestarts: 1, windowMs: 60_000 },
    });
    expect(resolve({ command: "server", restart: false }).restart).toBeUndefined();
  });

  it.each([
    [{}, "stdio.command"],
    [{ command: "" }, "stdio.command"],
    [{ command: "a\0b" }, "stdio.command"],
    [{ command: "a", args: "b" }, "stdio.args"],
    [{ command: "a", args: ["b\0"] }, "stdio.args"],
    [{ command: "a", env: { A: 1 } }, "stdio.env"],
    [{ command: "a", env: null }, "stdio.env"],
    [{ command: "a", inheritEnv: [1] }, "stdio.inheritEnv"],
    [{ command: "a", cwd: "" }, "stdio.cwd"],
    [{ command: "a", stderr: "pipe" }, "stdio.stderr"],
    [{ command: "a", shutdown: { stdinEndMs: 0 } }, "stdio.shutdown.stdinEndMs"],
    [{ command: "a", restart: { windowMs: -1 } }, "stdio.restart.windowMs"],
    [{ command: "a", restart: { retries: 2 } }, "stdio.restart.retries"],
    [{ command: "a", maxQueuedBytes: 0.5 }, "stdio.maxQueuedBytes"],
    [{ command: "a", shell: true }, "shell"],
  ])("refuses %j and names the option", (options, name) => {
    expect(() => resolve(options)).toThrow(TypeError);
    expect(() => resolve(options)).toThrow(name);
  });
});
