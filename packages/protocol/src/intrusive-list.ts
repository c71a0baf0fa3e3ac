/** What an object carries to stand in an {@link IntrusiveList}; begins as undefined, undefined, false. */
export interface ListNode<Node> {
  listNext: Node | undefined;
  listPrevious: Node | undefined;
  listed: boolean;
}

/**
 * A set of what is under way, for paths that add and delete with every request. A `Set` would do, were it not
 * for the collector: its outgrown tables stay linked to their successors, so that one of them in the old
 * generation keeps the young objects of every later table alive, and each scavenge copies megabytes of
 * finished requests. Here a deleted node is linked to nothing.
 */
export class IntrusiveList<Node extends ListNode<Node>> {
  #first: Node | undefined = undefined;
  #last: Node | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The node that was added first. */
  get first(): Node | undefined {
    return this.#first;
  }

  /** Appends a node; no-op for one that is listed. A node may stand in one list only. */
  add(node: Node): void {
    if (node.listed) return;
    node.listed = true;
    node.listPrevious = this.#last;
    if (this.#last === undefined) this.#first = node;
    else this.#last.listNext = node;
    this.#last = node;
    this.#size++;
  }

  /** @returns whether the node was listed. */
  delete(node: Node): boolean {
    if (!node.listed) return false;
    const { listNext: next, listPrevious: previous } = node;
    if (previous === undefined) this.#first = next;
    else previous.listNext = next;
    if (next === undefined) this.#last = previous;
    else next.listPrevious = previous;
    node.listed = false;
    node.listNext = undefined;
    node.listPrevious = undefined;
    this.#size--;
    return true;
  }

  /** Takes out the node that was added first: the list as a queue. */
  shift(): Node | undefined {
    const node = this.#first;
    if (node !== undefined) this.delete(node);
    return node;
  }

  /** The nodes now, in the order in which they were added: the list may change meanwhile. */
  toArray(): Node[] {
    const nodes: Node[] = [];
    for (let node = this.#first; node !== undefined; node = node.listNext) nodes.push(node);
    return nodes;
  }
}
