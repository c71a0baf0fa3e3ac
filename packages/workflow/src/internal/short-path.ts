/** Keys of asks have 128 characters at most, and a node's own key needs its share. */
const MAX_LENGTH = 64;

/** The way to a node, short enough for a key; a long one by its end and a hash of the whole (FNV-1a, twice 32 bits). */
export function shortPath(path: string): string {
  if (path.length <= MAX_LENGTH) return path;
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code ^ (low >>> 16), 0x85ebca6b);
  }
  const hash = (low >>> 0).toString(36) + (high >>> 0).toString(36);
  return `~${hash}~${path.slice(hash.length + 2 - MAX_LENGTH)}`;
}
