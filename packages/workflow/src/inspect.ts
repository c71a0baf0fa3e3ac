import type { Draft } from "./draft.ts";
import { messageOf } from "./internal/message-of.ts";
import type { NodeInspection } from "./workflow-node.ts";

/** Longest look at what a node depends on. A build must not hang on a server that does not answer. */
const INSPECTION_MS = 5_000;

/** Lets every node look at what it depends on, all at once. */
export async function inspectNodes(draft: Draft): Promise<Map<string, NodeInspection>> {
  const inspections = new Map<string, NodeInspection>();
  const looking = [...draft.nodes.values()].map(async ({ id, node }) => {
    if (node.inspect === undefined) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<NodeInspection>((resolve) => {
      timer = setTimeout(() => {
        resolve({ unchecked: `it did not answer in ${INSPECTION_MS} ms` });
        controller.abort(new Error("the build waits no longer"));
      }, INSPECTION_MS);
    });
    try {
      inspections.set(id, await Promise.race([node.inspect(controller.signal), late]));
    } catch (error) {
      inspections.set(id, { unchecked: messageOf(error) });
    } finally {
      clearTimeout(timer);
    }
  });
  await Promise.all(looking);
  return inspections;
}
