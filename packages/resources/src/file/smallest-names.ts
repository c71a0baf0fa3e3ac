/** A name in a folder and what it is. */
export interface NamedEntry {
  readonly name: string;
  readonly kind: "file" | "folder" | "link";
}

/**
 * Keeps the smallest of the names that it is offered, in the order of code units: a heap with the largest on
 * top, so that a folder of any size takes the memory of one page.
 */
export class SmallestNames {
  readonly #capacity: number;
  readonly #heap: NamedEntry[] = [];
  /** Whether a name was left out. */
  overflowed = false;

  /** @param capacity names kept, 1 or more. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether a name would be kept; asked first, because most names of a large folder are not. */
  wants(name: string): boolean {
    if (this.#heap.length < this.#capacity) return true;
    this.overflowed = true;
    return name < (this.#heap[0] as NamedEntry).name;
  }

  /** Keeps an entry that is wanted. */
  add(entry: NamedEntry): void {
    const heap = this.#heap;
    if (heap.length < this.#capacity) {
      heap.push(entry);
      this.#rise(heap.length - 1);
    } else {
      heap[0] = entry;
      this.#sink(0);
    }
  }

  /** In order; nothing is kept any more. */
  drain(): readonly NamedEntry[] {
    return this.#heap.splice(0).sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  #rise(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (this.#name(parent) >= this.#name(index)) return;
      this.#swap(parent, index);
      index = parent;
    }
  }

  #sink(start: number): void {
    let index = start;
    for (;;) {
      let largest = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && this.#name(child) > this.#name(largest)) largest = child;
      }
      if (largest === index) return;
      this.#swap(index, largest);
      index = largest;
    }
  }

  #name(index: number): string {
    return (this.#heap[index] as NamedEntry).name;
  }

  #swap(left: number, right: number): void {
    const entry = this.#heap[left] as NamedEntry;
    this.#heap[left] = this.#heap[right] as NamedEntry;
    this.#heap[right] = entry;
  }
}
