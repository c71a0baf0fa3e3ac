import { describe, expect, it } from "vitest";
import { OAuthClientError } from "./errors.ts";
import { createUrlGuard } from "./url-guard.ts";

function allows(guard: ReturnType<typeof createUrlGuard>, url: string): boolean {
  try {
    guard.assertUrl(url, "discovery");
    return true;
  } catch (error) {
    if (OAuthClientError.isInstance(error) && error.code === "unsafe_url") return false;
    throw error;
  }
}

const HOSTILE = [
  "http://as.example/token",
  "https://10.0.0.1/token",
  "https://169.254.169.254/latest/meta-data",
  "https://[::ffff:169.254.169.254]/",
  "https://2130706433/token",
  "https://0x7f.1/token",
  "https://metadata.internal/token",
  "https://intranet/token",
  "https://user:password@as.example/token",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "data:application/json,{}",
  "not a url",
  "",
];

describe("a guard for a server on the internet", () => {
  const guard = createUrlGuard(["https://mcp.example/mcp"], {});

  it.each([...HOSTILE, "http://localhost/token", "https://127.0.0.1/token", "https://[::1]/"])(
    "does not let a peer lead to %s",
    (url) => expect(allows(guard, url)).toBe(false),
  );

  it.each(["https://as.example/token", "https://mcp.example/x", "https://93.184.216.34/"])(
    "lets it lead to %s",
    (url) => expect(allows(guard, url)).toBe(true),
  );

  it("says nothing of what stands behind the path", () => {
    const url = "https://user:password@10.0.0.1/token?key=secret";
    expect(() => guard.assertUrl(url, "token")).toThrow(/^(?!.*(password|secret))/s);
  });
});

describe("a guard for a server on this machine", () => {
  const guard = createUrlGuard(["http://localhost:3000/mcp"], {});

  it.each(HOSTILE.filter((url) => !/2130706433|0x7f/.test(url)))(
    "does not let a peer lead to %s",
    (url) => expect(allows(guard, url)).toBe(false),
  );

  it.each([
    "http://localhost:9000/token",
    "http://127.0.0.1/x",
    "http://[::1]:1/",
    "https://as.example/",
  ])("lets it lead to %s", (url) => expect(allows(guard, url)).toBe(true));

  it("lets local names lead to this machine, and other names not", () => {
    expect(guard.addressPolicy("localhost").allowAddresses).toContain("::1");
    expect(guard.addressPolicy("as.example").allowAddresses ?? []).toEqual([]);
  });
});

describe("a guard for a server in a private network", () => {
  it("lets it be itself, and what the policy names", () => {
    const server = "https://mcp.corp.internal:8443/mcp";
    const guard = createUrlGuard([server], { allowHosts: ["as.corp.internal"] });
    expect(allows(guard, "https://mcp.corp.internal:8443/.well-known/x")).toBe(true);
    expect(allows(guard, "https://as.corp.internal/token")).toBe(true);
    expect(allows(guard, "https://mcp.corp.internal/token")).toBe(false);
    expect(allows(guard, "https://db.corp.internal/")).toBe(false);
    expect(guard.addressPolicy("mcp.corp.internal").allowHosts).toContain("mcp.corp.internal");
  });
});
