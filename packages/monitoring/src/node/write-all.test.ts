import fc from "fast-check";
import { expect, it } from "vitest";
import { writeAll } from "./write-all.ts";

it("writes all pieces in their order, however little a file takes at a time", async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 1, max: 50 }), async (given, most) => {
      const written: number[] = [];
      const writev = async (left: readonly Uint8Array[]): Promise<{ bytesWritten: number }> => {
        const taken = Buffer.concat(left).subarray(0, most);
        written.push(...taken);
        return { bytesWritten: taken.length };
      };
      await writeAll({ writev } as never, given);
      expect(written).toEqual([...Buffer.concat(given)]);
    }),
  );
});

it("fails when the file takes no more", async () => {
  let calls = 0;
  const writev = async (): Promise<{ bytesWritten: number }> => {
    calls++;
    if (calls === 2) throw new Error("ENOSPC");
    return { bytesWritten: 1 };
  };
  await expect(writeAll({ writev } as never, [new Uint8Array(3)])).rejects.toThrow("ENOSPC");
});
