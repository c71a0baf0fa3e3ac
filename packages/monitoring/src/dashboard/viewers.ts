import type { HttpEventStream } from "@backplane/protocol";
import type { Snapshots } from "./snapshots.ts";

const TICK_MS = 1_000;
/** Who is this far behind is not told more, and gets everything anew when it has caught up. */
const MAX_QUEUED_BYTES = 65_536;

interface Viewer {
  readonly stream: HttpEventStream;
  /** Whether it may still look. */
  readonly mayLook: () => Promise<boolean>;
  isBehind: boolean;
}

/** Tells everybody who has the page open what is new, once a second. Nobody there, no timer. */
export class Viewers {
  readonly #snapshots: Snapshots;
  readonly #viewers = new Set<Viewer>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(snapshots: Snapshots) {
    this.#snapshots = snapshots;
  }

  add(stream: HttpEventStream, mayLook: () => Promise<boolean>): void {
    const viewer: Viewer = { stream, mayLook, isBehind: false };
    if (this.#viewers.size === 0) this.#snapshots.restart();
    this.#viewers.add(viewer);
    stream.onClose(() => this.#remove(viewer));
    stream.send({ event: "whole", data: JSON.stringify(this.#snapshots.whole()) });
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    (this.#timer as { unref?: () => void }).unref?.();
  }

  close(): void {
    for (const { stream } of this.#viewers) stream.close();
  }

  #remove(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const data = JSON.stringify(this.#snapshots.tick());
    let whole: string | undefined;
    for (const viewer of this.#viewers) {
      const { stream } = viewer;
      if (stream.queuedBytes > MAX_QUEUED_BYTES) {
        viewer.isBehind = true;
      } else if (viewer.isBehind) {
        viewer.isBehind = false;
        whole ??= JSON.stringify(this.#snapshots.whole());
        stream.send({ event: "whole", data: whole });
      } else {
        stream.send({ event: "tick", data });
      }
      void viewer.mayLook().then(
        (may) => {
          if (!may) stream.close();
        },
        () => stream.close(),
      );
    }
  }
}
