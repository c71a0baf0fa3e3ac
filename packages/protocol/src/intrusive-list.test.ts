import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IntrusiveList, type ListNode } from "./intrusive-list.ts";

class Item implements ListNode<Item> {
  readonly name: number;
  listNext: Item | undefined = undefined;
  listPrevious: Item | undefined = undefined;
  listed = false;

  constructor(name: number) {
    this.name = name;
  }
}

describe("IntrusiveList", () => {
  it("holds what a Set would hold, in its order", () => {
    const step = fc.record({ act: fc.constantFrom("add", "delete", "shift"), at: fc.nat(7) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const items = Array.from({ length: 8 }, (_, name) => new Item(name));
        const list = new IntrusiveList<Item>();
        const model = new Set<Item>();
        for (const { act, at } of steps) {
          const item = items[at] as Item;
          if (act === "add") {
            list.add(item);
            model.add(item);
          } else if (act === "delete") expect(list.delete(item)).toBe(model.delete(item));
          else {
            const [first] = model;
            expect(list.shift()).toBe(first);
            if (first !== undefined) model.delete(first);
          }
          expect(list.toArray()).toEqual([...model]);
          expect(list.size).toBe(model.size);
          expect(list.first).toBe([...model][0]);
          expect(item.listed).toBe(model.has(item));
        }
      }),
    );
  });

  it("leaves a deleted node linked to nothing", () => {
    const list = new IntrusiveList<Item>();
    const items = [new Item(0), new Item(1), new Item(2)] as const;
    for (const item of items) list.add(item);
    list.delete(items[1]);
    expect(items[1]).toMatchObject({ listNext: undefined, listPrevious: undefined, listed: false });
    expect(list.toArray()).toEqual([items[0], items[2]]);
  });
});
