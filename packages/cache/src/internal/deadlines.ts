import { type Clock, DeadlineWheel, TotalDeadline } from "@backplane/protocol";

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
      const deadline = new TotalDeadline(limitMs, this.#wheel.now(), () =>
        reject(new StoreTimeoutError(`no answer within ${limitMs} ms`)),
      );
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
