import fc from "fast-check";
import { expect, it } from "vitest";
import type { NodeStatus } from "./result.ts";
import { WorkflowBuilder } from "./workflow-builder.ts";

type Behaviour = "works" | "fails" | "tolerated" | "fallback";

interface DrawnNode {
  readonly behaviour: Behaviour;
  /** Turns of the event loop that it takes. */
  readonly turns: number;
  /** For each earlier node: not connected, needed, or optional. */
  readonly edges: readonly ("no" | "needed" | "optional")[];
}

const node = fc.record<DrawnNode>({
  behaviour: fc.constantFrom("works", "works", "works", "fails", "tolerated", "fallback"),
  turns: fc.nat({ max: 3 }),
  edges: fc.array(fc.constantFrom("no", "no", "needed", "optional"), {
    minLength: 12,
    maxLength: 12,
  }),
});

/** What must become of each node of a graph in which no failure ends the run. */
function expected(nodes: readonly DrawnNode[]): NodeStatus[] {
  const statuses: NodeStatus[] = [];
  for (const [index, { behaviour, edges }] of nodes.entries()) {
    const sources = edges.slice(0, index).flatMap((edge, from) => {
      const ok = statuses[from] === "completed" || statuses[from] === "fallback";
      return edge === "no" ? [] : [{ edge, ok }];
    });
    const lost = sources.some(({ edge, ok }) => edge === "needed" && !ok);
    const nothing = sources.length > 0 && sources.every(({ ok }) => !ok);
    if (lost || nothing) statuses.push("skipped");
    else if (behaviour === "works") statuses.push("completed");
    else statuses.push(behaviour === "fallback" ? "fallback" : "failed");
  }
  return statuses;
}

it("any graph, whatever fails in it: order, limit, statuses and results hold", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(node, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      async (nodes, concurrency) => {
        let running = 0;
        const ended = new Set<number>();
        const calls = new Map<number, number>();
        const builder = new WorkflowBuilder({ concurrency });
        for (const [index, { behaviour, turns, edges }] of nodes.entries()) {
          const onError = {
            works: "fail",
            fails: "fail",
            tolerated: "continue",
            fallback: { fallback: { result: -index } },
          } as const;
          builder.addNode(
            `n${index}`,
            async (inputs) => {
              expect(++running).toBeLessThanOrEqual(concurrency);
              calls.set(index, (calls.get(index) ?? 0) + 1);
              for (const name of Object.keys(inputs)) expect(ended).toContain(Number(name));
              for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
              running--;
              if (behaviour !== "works") throw new Error(`n${index}`);
              return index;
            },
            { onError: onError[behaviour] },
          );
          for (const [from, edge] of edges.slice(0, index).entries()) {
            if (edge === "no") continue;
            const optional = edge === "optional";
            builder.connect({ from: `n${from}.result`, to: `n${index}.${from}`, optional });
          }
        }
        const workflow = await builder.build();
        const result = await workflow.settle(
          {},
          {
            onEvent: ({ event, node: id }) => {
              if (/completed|fallback|failed/.test(event)) ended.add(Number(id?.slice(1)));
            },
          },
        );
        const statuses = Object.values(result.nodes).map(({ status }) => status);
        expect(running).toBe(0);
        for (const times of calls.values()) expect(times).toBe(1);
        const [first] = Object.values(result.nodes).filter(
          ({ error }) => error !== undefined && error === result.error,
        );
        if (result.status === "failed") {
          expect(first?.status).toBe("failed");
          // Nothing was lost that was done, and nothing was left open.
          for (const [index, status] of statuses.entries()) {
            expect(["completed", "fallback", "failed", "skipped", "cancelled"]).toContain(status);
            expect(calls.has(index)).toBe(status !== "skipped");
          }
        } else {
          expect(statuses).toEqual(expected(nodes));
          expect(result.status).toBe(statuses.includes("failed") ? "partial" : "completed");
        }
        for (const [index, each] of Object.values(result.nodes).entries()) {
          if (each.status === "completed") expect(each.outputs).toEqual({ result: index });
          if (each.status === "skipped") expect(each.reason).toBeTruthy();
        }
      },
    ),
    { numRuns: 150 },
  );
});
