/** What can stand in a {@link Fifo}; its own object carries the links, so that queueing allocates nothing. */
export interface FifoNode<Node> {
  // Owned by the queue; begin as undefined, undefined and false.
  fifoNext: Node | undefined;
  fifoPrevious: Node | undefined;
  queued: boolean;
}

/** A queue from whose middle a node can leave: every operation is O(1). */
export class Fifo<Node extends FifoNode<Node>> {
  #first: Node | undefined = undefined;
  #last: Node | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Appends a node that stands in no queue. */
  push(node: Node): void {
    node.queued = true;
    node.fifoPrevious = this.#last;
    if (this.#last === undefined) this.#first = node;
    else this.#last.fifoNext = node;
    this.#last = node;
    this.#size++;
  }

  /** Takes the node that has waited longest. */
  shift(): Node | undefined {
    const node = this.#first;
    if (node !== undefined) this.remove(node);
    return node;
  }

  /** Takes a node out, wherever it stands; no-op for one that is not queued. */
  remove(node: Node): void {
    if (!node.queued) return;
    const { fifoNext: next, fifoPrevious: previous } = node;
    if (previous === undefined) this.#first = next;
    else previous.fifoNext = next;
    if (next === undefined) this.#last = previous;
    else next.fifoPrevious = previous;
    node.fifoNext = undefined;
    node.fifoPrevious = undefined;
    node.queued = false;
    this.#size--;
  }
}
