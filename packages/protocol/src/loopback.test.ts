import { describe, expect, it } from "vitest";
import { isLoopbackHost } from "./loopback.ts";

describe("isLoopbackHost", () => {
  it.each(["localhost", "LocalHost", "127.0.0.1", "127.255.0.9", "::1", "[::1]", "[0:0::1]"])(
    "takes %s",
    (host) => {
      expect(isLoopbackHost(host)).toBe(true);
    },
  );

  it.each([
    "",
    "localhost.",
    "evil.localhost",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.1",
    "0.0.0.0",
    "128.0.0.1",
    "::",
    "[::2]",
    "localhost:80",
  ])("does not take %s", (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});
