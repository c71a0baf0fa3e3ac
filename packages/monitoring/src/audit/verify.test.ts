import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { AuditLog } from "./audit-log.ts";
import { MemorySink, requestEnded, routeEnded } from "./audit-rig.test-support.ts";
import { type VerifyOptions, verifyAudit } from "./verify.ts";

const KEY = new Uint8Array(32).fill(7);

async function audit(options: { key?: Uint8Array } = {}, count = 4): Promise<MemorySink> {
  const sink = new MemorySink();
  const log = new AuditLog({ server: { serverId: "s" }, sink, ...options });
  for (let n = 0; n < count; n++) {
    const principal = { id: `pörtal ${n}`, scopes: [], roles: [] };
    if (n % 3 === 0) routeEnded({ principal, stage: "too_large", status: 413 });
    else requestEnded({ target: `tool 😀 ${n}`, principal });
  }
  await log.close();
  return sink;
}

function isSealed(line: string): boolean {
  return line.includes('"hash":');
}

function verify(bytes: Uint8Array | string, options: VerifyOptions = {}) {
  return verifyAudit([{ name: "audit", chunks: [Buffer.from(bytes)] }], options);
}

describe.each([
  ["without a key", {}, 4],
  ["with a key", { key: KEY }, 4],
  ["in which lines share a seal", { key: KEY }, 70],
])("an audit %s", (_what, options, count) => {
  let sink: MemorySink;
  let bytes: Buffer;
  beforeAll(async () => {
    sink = await audit(options, count);
    bytes = Buffer.from(sink.text);
    expect(await verify(bytes, options)).toMatchObject({ valid: true, records: count + 2 });
    const open = sink.lines.filter((line) => !isSealed(line));
    expect(open).toHaveLength(count < 64 ? 0 : 63);
  });

  it("altered by one byte anywhere is found out", async () => {
    // Every bit of every byte; of a long one a bit of every byte in 11, which meets every part of a line.
    const isLong = bytes.length > 10_000;
    for (let at = 0; at < bytes.length; at += isLong ? 11 : 1) {
      for (let bit = isLong ? at % 8 : 0; bit < 8; bit += isLong ? 8 : 1) {
        const altered = Buffer.from(bytes);
        altered[at] = (altered[at] as number) ^ (1 << bit);
        const { valid, fault } = await verify(altered, options);
        if (valid || fault === undefined) expect.fail(`byte ${at}, bit ${bit} was altered unseen`);
      }
    }
  });

  it("with bytes put in, taken out or replaced is found out", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: bytes.length - 1 }),
        fc.nat({ max: 40 }),
        fc.uint8Array({ maxLength: 40 }),
        async (at, removed, added) => {
          const altered = Buffer.concat([
            bytes.subarray(0, at),
            added,
            bytes.subarray(Math.min(bytes.length, at + removed)),
          ]);
          // Cut off at the end of a line, it is the one thing that a head alone shows.
          const isPrefix = bytes.subarray(0, altered.length).equals(altered);
          fc.pre(!isPrefix);
          expect((await verify(altered, options)).valid).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("with records taken out, repeated or in another order is found out", async () => {
    const { lines } = sink;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.array(fc.nat({ max: lines.length - 1 }), { maxLength: lines.length + 1 }),
          fc
            .tuple(fc.nat({ max: lines.length - 1 }), fc.nat({ max: lines.length }))
            .map(([from, to]) => [...lines.keys()].slice(from, to)),
        ),
        async (order) => {
          const [first = 0] = order;
          // Cut at seals, at both ends.
          const isPiece =
            order.every((index, n) => index === first + n) &&
            [first - 1, order.at(-1) ?? -1].every((at) => at < 0 || isSealed(lines[at] as string));
          const text = order.map((index) => `${lines[index]}\n`).join("");
          const { valid, notes, records } = await verify(text, options);
          expect(valid).toBe(isPiece);
          if (isPiece && order[0] !== undefined && order[0] > 0) {
            expect(notes[0]).toContain("earlier ones are not in these files");
          }
          if (isPiece) expect(records).toBe(order.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("is read in any pieces", async () => {
    for (const size of [1, 7, 64, 1_000]) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      const verdict = await verifyAudit([{ name: "audit", chunks }], options);
      expect(verdict).toMatchObject({ valid: true, records: count + 2 });
    }
  });
});

describe("lines that share a seal", () => {
  it("are named together when one of them was altered, and alone when it shows which", async () => {
    const { lines } = await audit({}, 70);
    const altered = (at: number, from: string, to: string): string =>
      lines.map((line, n) => `${n === at ? line.replace(from, to) : line}\n`).join("");
    expect(await verify(altered(30, "tool", "Tool"))).toMatchObject({
      records: 1,
      fault: { line: 2, reason: expect.stringContaining("one of lines 2 to 65 was altered") },
    });
    expect((await verify(altered(30, '"kind"', '"kind'))).fault).toMatchObject({
      line: 31,
      reason: "not a line of an audit",
    });
    expect((await verify(altered(30, '"seq":31', '"seq":32'))).fault).toMatchObject({
      line: 31,
      reason: expect.stringContaining("record 31 should be here"),
    });
  });

  it("are not whole without it, at the end of a file too", async () => {
    const { lines } = await audit({}, 70);
    const cut = lines.slice(0, 30).map((line) => `${line}\n`);
    const missing = { line: 2, reason: expect.stringContaining("its seal is missing") };
    expect(await verify(cut.join(""))).toMatchObject({ records: 1, fault: missing });
    const rest = lines.slice(30).map((line) => `${line}\n`);
    const parts = [cut, rest].map((part) => ({ name: "a", chunks: [Buffer.from(part.join(""))] }));
    expect((await verifyAudit(parts)).fault).toMatchObject(missing);
  });

  it("are never more than 64", async () => {
    const many = Array.from({ length: 100 }, (_, n) => `{"seq":${n + 1},"kind":"call"}\n`);
    const { fault } = await verify(many.join(""));
    expect(fault).toMatchObject({ line: 64, reason: expect.stringContaining("more lines") });
  });
});

describe("verifyAudit", () => {
  it("says where the first fault is, and what verified before it", async () => {
    const { lines } = await audit();
    const text = lines.map((line, n) => (n === 3 ? line.replace("tool", "Tool") : line)).join("\n");
    expect(await verify(`${text}\n`)).toMatchObject({
      valid: false,
      records: 3,
      fault: { file: "audit", line: 4, reason: expect.stringContaining("altered") },
    });
  });

  it("finds a chain that was made anew without the key", async () => {
    const forged = await audit();
    expect((await verify(forged.text, { key: KEY })).fault?.reason).toContain(
      "another key or none",
    );
    const keyed = await audit({ key: KEY });
    expect((await verify(keyed.text)).fault?.reason).toContain("which was not given");
    const wrong = new Uint8Array(32).fill(8);
    expect((await verify(keyed.text, { key: wrong })).valid).toBe(false);
  });

  it("finds a chain that was made anew over a head that was kept", async () => {
    const sink = await audit();
    const last = sink.records.at(-1);
    const head = { chain: last?.chain ?? "", seq: 6, hash: last?.hash ?? "", time: "" };
    expect(await verify(sink.text, { heads: [head] })).toMatchObject({
      valid: true,
      anchoredSeq: 6,
      notes: [expect.stringContaining("after it were cut off cannot be told"), expect.any(String)],
    });
    const other = await audit();
    expect((await verify(other.text, { heads: [head] })).fault?.reason).toContain("is missing");
    const lie = { ...head, hash: sink.records[0]?.hash ?? "" };
    expect((await verify(sink.text, { heads: [lie] })).fault?.reason).toContain("not the record");
  });

  it("says that nothing proves the end without a head, or after it", async () => {
    const sink = await audit();
    const cut = sink.lines
      .slice(0, 4)
      .map((line) => `${line}\n`)
      .join("");
    const { valid, notes, anchoredSeq } = await verify(cut);
    expect([valid, anchoredSeq]).toEqual([true, undefined]);
    expect(notes.join(" ")).toContain("whether records were cut off at the end cannot be told");
    expect(notes.join(" ")).toContain("not closed in order");
    const anchor = sink.records[1];
    const head = { chain: anchor?.chain ?? "", seq: 2, hash: anchor?.hash ?? "", time: "" };
    expect((await verify(cut, { heads: [head] })).notes[0]).toContain("Record 2 is the last one");
  });

  it("follows a chain over files, and takes a new one at the beginning of a file only", async () => {
    const { lines } = await audit();
    const part = (name: string, own: readonly string[]) => ({
      name,
      chunks: [Buffer.from(own.map((line) => `${line}\n`).join(""))],
    });
    const parts = [part("a", lines.slice(0, 2)), part("b", []), part("c", lines.slice(2))];
    expect(await verifyAudit(parts)).toMatchObject({ valid: true, records: 6 });
    expect((await verifyAudit([...parts].reverse())).valid).toBe(false);
    const other = await audit();
    const two = await verifyAudit([part("a", lines), part("b", other.lines)]);
    expect(two.valid).toBe(true);
    expect(two.notes[0]).toContain("A new chain begins in b");
    expect((await verifyAudit([part("a", [...lines, ...other.lines])])).valid).toBe(false);
    expect((await verifyAudit([part("a", lines), part("b", other.lines.slice(1))])).valid).toBe(
      false,
    );
    expect(
      (
        await verifyAudit([
          part("a", lines.slice(0, 2)),
          part("b", other.lines),
          part("c", lines.slice(2)),
        ])
      ).valid,
    ).toBe(false);
  });

  it("reads anything else as no audit", async () => {
    for (const text of [
      "x\n",
      "\n",
      "{}\n",
      "null\n",
      "\u0000".repeat(200_000),
      `${"{".repeat(70_000)}\n`,
    ]) {
      expect((await verify(text)).valid).toBe(false);
    }
    expect(await verify("")).toMatchObject({ valid: true, records: 0, lastSeq: undefined });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        expect((await verify(bytes)).valid).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
