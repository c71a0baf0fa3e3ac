import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fifo, type FifoNode } from "./fifo.ts";

interface Node extends FifoNode<Node> {
  readonly name: number;
}

function node(name: number): Node {
  return { name, fifoNext: undefined, fifoPrevious: undefined, queued: false };
}

describe("Fifo", () => {
  it("keeps the order of an array, wherever nodes leave", () => {
    const step = fc.record({
      act: fc.constantFrom("push", "shift", "remove"),
      pick: fc.nat({ max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new Fifo<Node>();
        const all: Node[] = [];
        let model: Node[] = [];
        for (const { act, pick } of steps) {
          if (act === "push") {
            const added = node(all.length);
            all.push(added);
            model.push(added);
            queue.push(added);
          } else if (act === "shift") {
            expect(queue.shift()).toBe(model.shift());
          } else {
            // Also one that has left already, which changes nothing.
            const gone = all[pick];
            if (gone === undefined) continue;
            queue.remove(gone);
            model = model.filter((each) => each !== gone);
          }
          expect(queue.size).toBe(model.length);
          for (const each of all) expect(each.queued).toBe(model.includes(each));
        }
        for (const each of model) expect(queue.shift()).toBe(each);
        expect(queue.shift()).toBeUndefined();
      }),
    );
  });

  it("takes a node again that has left", () => {
    const queue = new Fifo<Node>();
    const [a, b] = [node(1), node(2)];
    queue.push(a);
    queue.push(b);
    queue.remove(a);
    queue.push(a);
    expect([queue.shift(), queue.shift()]).toEqual([b, a]);
  });
});
