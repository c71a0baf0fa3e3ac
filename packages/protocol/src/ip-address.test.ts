import { BlockList, isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInRange, isPublicAddress, parseIpAddress, parseIpRange } from "./ip-address.ts";

const ipv6Like = fc
  .array(
    fc.constantFrom("0", "1", "ffff", "2001", "db8", ":", "::", "1.2.3.4", "g", ".", "12345"),
    {
      maxLength: 18,
    },
  )
  .map((parts) => parts.join(""));

describe("parseIpAddress", () => {
  it("agrees with node:net about what is an address", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), ipv6Like, fc.ipV4Extended()), (text) => {
        expect(parseIpAddress(text) !== undefined).toBe(isIPv4(text) || isIPv6(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it("agrees with the URL parser about which address it is", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const normal = new URL(`http://[${text}]/`).hostname;
        expect(parseIpAddress(normal)).toEqual(parseIpAddress(text));
      }),
    );
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "0x1.2.3.4",
    "256.1.1.1",
    "1.2.3.4 ",
    "::1%lo",
    ":::",
  ])("%j is none", (text) => {
    expect(parseIpAddress(text)).toBe(undefined);
  });

  it("has one form for IPv4 however it is written", () => {
    const plain = parseIpAddress("10.1.2.3");
    expect(parseIpAddress("::ffff:10.1.2.3")).toEqual(plain);
    expect(parseIpAddress("[::FFFF:0a01:0203]")).toEqual(plain);
  });
});

describe("isInRange", () => {
  it("agrees with node:net's BlockList", () => {
    const v4 = fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }));
    const v6 = fc.tuple(fc.ipV6(), fc.ipV6(), fc.integer({ min: 0, max: 128 }));
    fc.assert(
      fc.property(fc.oneof(v4, v6), ([address, base, prefix]) => {
        const family = isIPv4(base) ? "ipv4" : "ipv6";
        const list = new BlockList();
        list.addSubnet(base, prefix, family);
        const range = parseIpRange(`${base}/${prefix}`);
        const parsed = parseIpAddress(address);
        expect(isInRange(parsed as never, range as never)).toBe(list.check(address, family));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "host/8",
    "/8",
    "1/8",
  ])("%j is no block", (text) => {
    expect(parseIpRange(text)).toBe(undefined);
  });

  it("an address alone is a block of one", () => {
    const range = parseIpRange("10.0.0.1") as never;
    expect(isInRange(parseIpAddress("10.0.0.1") as never, range)).toBe(true);
    expect(isInRange(parseIpAddress("10.0.0.2") as never, range)).toBe(false);
  });
});

describe("isPublicAddress", () => {
  it.each([
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
  ])("%s is not", (text) => {
    expect(isPublicAddress(parseIpAddress(text) as never)).toBe(false);
  });

  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
  ])("%s is", (text) => {
    expect(isPublicAddress(parseIpAddress(text) as never)).toBe(true);
  });
});
