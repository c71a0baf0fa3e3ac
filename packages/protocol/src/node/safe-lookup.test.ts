import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { UnsafeUrlError } from "../safe-url.ts";
import { createSafeLookup, type LookupAll } from "./safe-lookup.ts";

/** Answers each question with the next of the given answers; the last one stays. */
function resolver(...answers: readonly (readonly string[])[]): LookupAll {
  let asked = 0;
  return (_hostname, _options, callback) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)] as readonly string[];
    setImmediate(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      ),
    );
  };
}

function lookUp(
  lookup: ReturnType<typeof createSafeLookup>,
  hostname: string,
  options: { all?: boolean } = {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    lookup(hostname, options, (error, address, family) =>
      error ? reject(error) : resolve(family === undefined ? address : [address, family]),
    );
  });
}

describe("createSafeLookup", () => {
  it("gives public addresses in the form that was asked for", async () => {
    const lookup = createSafeLookup({}, resolver(["8.8.8.8", "2606:4700:4700::1111"]));
    expect(await lookUp(lookup, "example.com")).toEqual(["8.8.8.8", 4]);
    expect(await lookUp(lookup, "example.com", { all: true })).toEqual([
      { address: "8.8.8.8", family: 4 },
      { address: "2606:4700:4700::1111", family: 6 },
    ]);
  });

  it.each([["127.0.0.1"], ["::1"], ["::ffff:10.0.0.1"], ["169.254.169.254"], ["fe80::1%eth0"]])(
    "refuses a host that resolves to %s, be it one of several",
    async (address) => {
      const lookup = createSafeLookup({}, resolver(["8.8.8.8", address]));
      await expect(lookUp(lookup, "example.com")).rejects.toThrow(UnsafeUrlError);
      await expect(lookUp(lookup, "example.com", { all: true })).rejects.toThrow(/"example.com"/);
    },
  );

  it("allows what the policy names", async () => {
    const lookup = createSafeLookup(
      { allowHosts: ["redis"], allowAddresses: ["10.0.0.0/8"] },
      resolver(["127.0.0.1"], ["10.1.1.1"], ["127.0.0.1"]),
    );
    expect(await lookUp(lookup, "redis")).toEqual(["127.0.0.1", 4]);
    expect(await lookUp(lookup, "other")).toEqual(["10.1.1.1", 4]);
    await expect(lookUp(lookup, "other")).rejects.toThrow(UnsafeUrlError);
  });

  it("passes on the errors of the resolver, and an empty answer as one", async () => {
    const failing: LookupAll = (_hostname, _options, callback) =>
      callback(Object.assign(new Error("no"), { code: "ENOTFOUND" }), []);
    await expect(lookUp(createSafeLookup({}, failing), "x.com")).rejects.toThrow("no");
    await expect(lookUp(createSafeLookup({}, resolver([])), "x.com")).rejects.toMatchObject({
      code: "ENOTFOUND",
    });
  });

  it("reads its policy at once", () => {
    expect(() => createSafeLookup({ allowAddresses: ["nonsense"] })).toThrow(TypeError);
  });

  it("uses the system's resolver by default", async () => {
    await expect(lookUp(createSafeLookup(), "localhost")).rejects.toThrow(UnsafeUrlError);
    const allowed = createSafeLookup({ allowHosts: ["localhost"] });
    expect(await lookUp(allowed, "localhost", { all: true })).toContainEqual({
      address: "127.0.0.1",
      family: 4,
    });
  });

  it("a name that is rebound after the check is not connected to", async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const attempt = (lookup: ReturnType<typeof createSafeLookup>): Promise<Error | undefined> =>
        new Promise((resolve) => {
          const socket: Socket = connect({ host: "rebound.example.com", port, lookup });
          socket.once("connect", () => resolve(undefined));
          socket.once("error", resolve);
        });
      const rebound = resolver(["8.8.8.8"], ["127.0.0.1"]);
      const safe = createSafeLookup({}, rebound);
      await lookUp(safe, "rebound.example.com");
      expect(await attempt(safe)).toBeInstanceOf(UnsafeUrlError);
      expect(connections).toBe(0);
      // The same connection with the check taken away does arrive: the refusal was ours.
      expect(await attempt(createSafeLookup({ allowAddresses: ["127.0.0.1"] }, rebound))).toBe(
        undefined,
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
