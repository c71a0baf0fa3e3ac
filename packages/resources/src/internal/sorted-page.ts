import type { Resource } from "@backplane/protocol";
import type { ResourceListRequest, ResourcePage } from "@backplane/server";

/** A page of URIs that are sorted by code units. The cursor is the last URI: it may have gone meanwhile. */
export function pageOf(
  sorted: readonly string[],
  { cursor, limit, prefix = "" }: ResourceListRequest,
  resourceOf: (uri: string) => Resource,
): ResourcePage {
  const resources: Resource[] = [];
  const start = cursor === undefined || cursor < prefix ? prefix : `${cursor}\u0000`;
  for (let index = firstFrom(sorted, start); index < sorted.length; index++) {
    const uri = sorted[index] as string;
    if (!uri.startsWith(prefix)) break;
    if (resources.length === limit) return { resources, nextCursor: resources.at(-1)?.uri };
    resources.push(resourceOf(uri));
  }
  return { resources };
}

/** The index of the first text that is not below `start`. */
function firstFrom(sorted: readonly string[], start: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
