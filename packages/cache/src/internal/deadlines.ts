import {
  type Clock,
  type DeadlineEntry,
  type DeadlineKind,
  DeadlineWheel,
} from "@backplane/protocol";

/** What a store failed with that took too long. */
export class StoreTimeoutError extends Error {
  override readonly name: string = "StoreTimeoutError";
}

/** Limits how long others may take, all behind one timer. */
export class Deadlines {
  readonly #wheel: DeadlineWheel;

  constructor(clock: Pick<Clock, "now" | "after">) {
    this.#wheel = new DeadlineWheel(clock);
  }

  /** @throws {StoreTimeoutError} after `limitMs`, up to 128 ms late; what comes later is dropped. */
  limit<Answer>(limitMs: number, asked: Promise<Answer>): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const deadline = new Deadline(limitMs, this.#wheel.now(), reject);
      this.#wheel.add(deadline);
      asked.then(
        (answer) => {
          this.#wheel.remove(deadline);
          resolve(answer);
        },
        (error: unknown) => {
          this.#wheel.remove(deadline);
          reject(error);
        },
      );
    });
  }

  close(): void {
    this.#wheel.close();
  }
}

class Deadline implements DeadlineEntry {
  readonly idleMs = Number.POSITIVE_INFINITY;
  readonly totalMs: number;
  startedAtMs: number;
  wheelTouchedAtMs = 0;
  wheelSlot = -1;
  wheelNext: DeadlineEntry | undefined = undefined;
  wheelPrevious: DeadlineEntry | undefined = undefined;
  readonly #reject: (error: Error) => void;

  constructor(totalMs: number, nowMs: number, reject: (error: Error) => void) {
    this.totalMs = totalMs;
    this.startedAtMs = nowMs;
    this.#reject = reject;
  }

  onDeadline(_which: DeadlineKind, limitMs: number): void {
    this.#reject(new StoreTimeoutError(`no answer within ${limitMs} ms`));
  }
}
