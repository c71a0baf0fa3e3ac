import type { KeyRing } from "../seams/key-ring.ts";
import type { SuiteRunner } from "./runner.ts";

/** The contract of {@link KeyRing}. `makeRing` returns a ring of one or more keys. */
export function keyRingSuite(
  runner: SuiteRunner,
  makeRing: () => KeyRing | Promise<KeyRing>,
): void {
  const { describe, it, expect } = runner;

  describe("KeyRing", () => {
    it("has a current key of a legal id and 32 bytes that are not all the same", async () => {
      const { id, secret } = await (await makeRing()).current();
      expect(/^[A-Za-z0-9_-]{1,32}$/.test(id)).toBe(true);
      expect(secret.byteLength).toBe(32);
      expect(new Set(secret).size > 1).toBe(true);
    });

    it("finds the current key by its id, with the same secret every time", async () => {
      const ring = await makeRing();
      const { id, secret } = await ring.current();
      const found = await ring.find(id);
      expect(found?.id).toBe(id);
      expect([...(found?.secret ?? [])]).toEqual([...secret]);
      expect([...((await ring.find(id))?.secret ?? [])]).toEqual([...secret]);
    });

    it("does not know other ids, those of object properties included", async () => {
      const ring = await makeRing();
      for (const id of ["", "unknown-id", "__proto__", "constructor", "toString"]) {
        expect(await ring.find(id)).toBe(undefined);
      }
    });
  });
}
