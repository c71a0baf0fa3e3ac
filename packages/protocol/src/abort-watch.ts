import { IntrusiveList, type ListNode } from "./intrusive-list.ts";

/** Who wants to know when a signal fires. */
export interface AbortListener extends ListNode<AbortListener> {
  /** Called once; must not throw. The reason is the signal's. */
  onAbort(): void;
}

/** All that wait for one signal, behind one listener: Node warns of a leak when a signal has more than ten. */
class AbortWatch {
  readonly listeners: IntrusiveList<AbortListener> = new IntrusiveList();

  handleEvent(): void {
    for (const listener of this.listeners.toArray()) listener.onAbort();
  }
}

const watches = new WeakMap<AbortSignal, AbortWatch>();

/** Calls `listener` when the signal fires. One that has fired already is the caller's to look at. */
export function watchAbort(signal: AbortSignal, listener: AbortListener): void {
  let watch = watches.get(signal);
  if (watch === undefined) {
    watch = new AbortWatch();
    watches.set(signal, watch);
  }
  if (watch.listeners.size === 0) signal.addEventListener("abort", watch);
  watch.listeners.add(listener);
}

/** A listener that is nothing else. */
export function abortListener(onAbort: () => void): AbortListener {
  return { onAbort, listNext: undefined, listPrevious: undefined, listed: false };
}

/** Ends that; a signal that nobody waits for has no listener of ours. */
export function unwatchAbort(signal: AbortSignal, listener: AbortListener): void {
  const watch = watches.get(signal);
  if (watch?.listeners.delete(listener) === true && watch.listeners.size === 0) {
    signal.removeEventListener("abort", watch);
  }
}
