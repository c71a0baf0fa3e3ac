import { describe, expect, it } from "vitest";
import { keyRingSuite } from "../test-suite/key-ring-suite.ts";
import { createKeyRing, createProcessKeyRing, parseKeyRing } from "./process-key-ring.ts";

const secret = (fill: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => i + fill);

describe("createProcessKeyRing", () => {
  keyRingSuite({ describe, it, expect }, createProcessKeyRing);

  it("shares neither secret nor id with another process", async () => {
    const [one, two] = [
      await createProcessKeyRing().current(),
      await createProcessKeyRing().current(),
    ];
    expect(one.id).not.toBe(two.id);
    expect(one.secret).not.toEqual(two.secret);
  });
});

describe("createKeyRing", () => {
  keyRingSuite({ describe, it, expect }, () =>
    createKeyRing([
      { id: "2026-02", secret: secret(2) },
      { id: "2026-01", secret: secret(1) },
    ]),
  );

  it("seals with the first and finds all", async () => {
    const ring = createKeyRing([
      { id: "new", secret: secret(2) },
      { id: "old", secret: secret(1) },
    ]);
    expect((await ring.current()).id).toBe("new");
    expect((await ring.find("old"))?.secret).toEqual(secret(1));
  });

  it("keeps its own copy of a secret, a Buffer included", async () => {
    const buffer = Buffer.from(secret(3));
    const ring = createKeyRing([{ id: "k", secret: buffer }]);
    buffer.fill(0);
    expect(new Uint8Array((await ring.current()).secret)).toEqual(secret(3));
  });

  it.each([
    ["no keys", [], /at least one key/],
    ["an empty id", [{ id: "", secret: secret(1) }], /keys\[0\]\.id/],
    ["an id with a dot", [{ id: "a.b", secret: secret(1) }], /keys\[0\]\.id/],
    ["a long id", [{ id: "a".repeat(33), secret: secret(1) }], /keys\[0\]\.id/],
    ["a short secret", [{ id: "a", secret: new Uint8Array(31) }], /keys\[0\]\.secret/],
    ["a text secret", [{ id: "a", secret: "x".repeat(32) as never }], /keys\[0\]\.secret/],
    [
      "a repeated id",
      [
        { id: "a", secret: secret(1) },
        { id: "a", secret: secret(2) },
      ],
      /keys\[1\]\.id "a" is used twice/,
    ],
  ])("refuses %s and names the place", (_, keys, message) => {
    expect(() => createKeyRing(keys)).toThrow(message);
  });
});

describe("parseKeyRing", () => {
  const text = (fill: number): string => Buffer.from(secret(fill)).toString("base64url");

  it("reads pairs, the first of which seals", async () => {
    const ring = parseKeyRing(` new:${text(255)} , old:${text(1)}=`);
    expect(await ring.current()).toEqual({ id: "new", secret: secret(255) });
    expect((await ring.find("old"))?.secret).toEqual(secret(1));
  });

  it.each([
    ["nothing", "", /pair 1/],
    ["a secret alone", text(1), /pair 1/],
    ["a short secret", `a:${text(1)},b:${text(1).slice(1)}`, /pair 2/],
    ["a repeated id", `a:${text(1)},a:${text(2)}`, /"a" is used twice/],
  ])("refuses %s, and repeats no secret", (_, value, message) => {
    expect(() => parseKeyRing(value)).toThrow(message);
    expect(() => parseKeyRing(value)).not.toThrow(text(1));
  });
});
