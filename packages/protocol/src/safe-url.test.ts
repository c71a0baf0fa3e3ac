import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertSafeUrl, compileUrlPolicy, type SafeUrlPolicy, UnsafeUrlError } from "./safe-url.ts";

function reasonOf(url: string, policy?: SafeUrlPolicy): string {
  try {
    assertSafeUrl(url, policy);
    return "allowed";
  } catch (error) {
    expect(error).toBeInstanceOf(UnsafeUrlError);
    return (error as UnsafeUrlError).reason;
  }
}

const HTTP: SafeUrlPolicy = { schemes: ["http", "https"] };

describe("assertSafeUrl", () => {
  it("returns the parsed URL of a public host", () => {
    expect(assertSafeUrl("https://example.com/a?b").href).toBe("https://example.com/a?b");
    expect(assertSafeUrl(new URL("https://8.8.8.8:8443/")).port).toBe("8443");
    expect(assertSafeUrl("https://[2606:4700:4700::1111]/").protocol).toBe("https:");
  });

  it.each([
    ["http://example.com/", "scheme"],
    ["file:///etc/passwd", "scheme"],
    ["javascript:alert(1)", "scheme"],
    ["data:text/plain,x", "scheme"],
    ["gopher://example.com/", "scheme"],
    ["https://user:pass@example.com/", "credentials"],
    ["https://user@example.com/", "credentials"],
    ["https://", "malformed"],
    ["example.com", "malformed"],
    ["", "malformed"],
    ["https://1.2.3.4.5/", "malformed"],
  ])("%s is refused: %s", (url, reason) => {
    expect(reasonOf(url)).toBe(reason);
  });

  it.each([
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://%31%32%37.0.0.1/",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[fd00:ec2::254]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1:8080/",
    "http://[fe80::1]/",
  ])("%s is refused, in whatever notation", (url) => {
    expect(reasonOf(url, HTTP)).toBe("address");
  });

  it.each([
    "http://localhost/",
    "http://LOCALHOST./",
    "http://localhost../",
    "http://a.localhost/",
    "http://metadata.google.internal/",
    "http://printer.local/",
    "http://router.home.arpa/",
    "http://redis:6379/",
  ])("%s is refused as a local name", (url) => {
    expect(reasonOf(url, HTTP)).toBe("host");
  });

  it("sees through the notation with schemes that the URL parser leaves as they are", () => {
    const redis: SafeUrlPolicy = { schemes: ["redis"] };
    expect(reasonOf("redis://127.1:6379/", redis)).toBe("address");
    expect(reasonOf("redis://0x7f000001/", redis)).toBe("address");
    expect(reasonOf("redis://%31%32%37.0.0.1/", redis)).toBe("address");
    expect(reasonOf("redis:///", redis)).toBe("host");
    expect(reasonOf("redis://cache.example.com:6379/", redis)).toBe("allowed");
  });

  it("names neither credentials nor path in its message", () => {
    for (const url of ["https://user:hunter2@10.0.0.1/p4th", "https://10.0.0.1/p4th", "%hunter2"]) {
      try {
        assertSafeUrl(url);
        expect.fail("allowed");
      } catch (error) {
        expect(String(error)).not.toMatch(/hunter2|p4th/);
      }
    }
  });

  it("allows what the policy names, and nothing beside it", () => {
    const policy: SafeUrlPolicy = {
      schemes: ["http"],
      allowHosts: ["Redis", "127.0.0.1", "::1"],
      allowAddresses: ["10.1.0.0/16", "fd00::/8"],
    };
    for (const url of [
      "http://redis:6379/",
      "http://REDIS./",
      "http://127.1:8080/",
      "http://[::1]/",
      "http://10.1.2.3/",
      "http://[::ffff:10.1.2.3]/",
      "http://[fd12::1]/",
    ]) {
      expect(reasonOf(url, policy)).toBe("allowed");
    }
    expect(reasonOf("http://127.0.0.2/", policy)).toBe("address");
    expect(reasonOf("http://10.2.0.1/", policy)).toBe("address");
    expect(reasonOf("http://redis.localhost/", policy)).toBe("host");
    expect(reasonOf("https://example.com/", policy)).toBe("scheme");
  });

  it.each<[SafeUrlPolicy, RegExp]>([
    [{ schemes: ["https://"] }, /schemes holds "https:\/\/"/],
    [{ allowHosts: ["example.com:443"] }, /allowHosts holds "example.com:443"/],
    [{ allowHosts: ["[::1]:80"] }, /allowHosts/],
    [{ allowHosts: ["example.com/path"] }, /allowHosts/],
    [{ allowHosts: ["user@example.com"] }, /allowHosts/],
    [{ allowHosts: ["example.com?x"] }, /allowHosts/],
    [{ allowHosts: [""] }, /allowHosts/],
    [{ allowAddresses: ["10.0.0.0/40"] }, /allowAddresses holds "10.0.0.0\/40"/],
    [{ allowAddresses: ["example.com"] }, /allowAddresses/],
  ])("refuses the policy %j and names the entry", (policy, message) => {
    expect(() => compileUrlPolicy(policy)).toThrow(message);
    expect(() => compileUrlPolicy(policy)).toThrow(TypeError);
  });

  it("refuses every address of the private blocks, however the number is written", () => {
    const blocks: readonly (readonly [number, number])[] = [
      [0x0a000000, 8],
      [0x7f000000, 8],
      [0xa9fe0000, 16],
      [0xac100000, 12],
      [0xc0a80000, 16],
    ];
    const notations: readonly ((address: number) => string)[] = [
      (address) => String(address),
      (address) => `0x${address.toString(16)}`,
      (address) => `0${address.toString(8)}`,
      (address) => `${address >>> 24}.${address & 0xffffff}`,
      (address) => `[::ffff:${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}]`,
      (address) => `[64:ff9b::${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}]`,
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...blocks),
        fc.nat(0xffffff),
        fc.constantFrom(...notations),
        ([base, bits], low, write) => {
          const address = (base | (low & (0xffffffff >>> bits))) >>> 0;
          expect(reasonOf(`http://${write(address)}/`, HTTP)).toBe("address");
        },
      ),
    );
  });

  it("never throws anything but its own error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true })), (url) => {
        reasonOf(url, HTTP);
      }),
    );
  });
});
