import type { MCPServer } from "@backplane/server";
import { untilAborted } from "../../protocol/harness/until-aborted.ts";

/** How a handler ended, seen from its `finally`. */
export interface Ending {
  readonly how: "returned" | "aborted";
  /** What the signal carries; undefined when it never fired. */
  readonly reason: unknown;
}

interface Job {
  readonly started: Deferred<void>;
  readonly released: Deferred<void>;
  readonly ended: Deferred<Ending>;
}

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
}

function deferred<Value>(): Deferred<Value> {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/**
 * Calls that run until the test lets them end or their signal fires. Each has a name of the test's own, so
 * that nothing has to be timed.
 */
export class Work {
  readonly #jobs = new Map<string, Job>();

  /** Registers the tool `work`, which takes the name and whether to open an event stream first. */
  readonly register = (server: MCPServer): void => {
    const properties = { name: { type: "string" }, talk: { type: "boolean" } };
    server.tool("work", { input: { type: "object", properties } }, async (args, context) => {
      const job = this.#job(String(args["name"]));
      const { signal } = context;
      let how: Ending["how"] = "aborted";
      if (args["talk"] === true) context.progress(1);
      job.started.resolve();
      try {
        await Promise.race([job.released.promise, untilAborted(signal)]);
        how = "returned";
        return `finished ${String(args["name"])}`;
      } finally {
        job.ended.resolve({ how, reason: signal.aborted ? signal.reason : undefined });
      }
    });
    server.tool("plain", {}, () => "plain");
  };

  /** Resolves once the handler runs. */
  started(name: string): Promise<void> {
    return this.#job(name).started.promise;
  }

  release(name: string): void {
    this.#job(name).released.resolve();
  }

  /** Resolves once the handler's clean-up has run. */
  ended(name: string): Promise<Ending> {
    return this.#job(name).ended.promise;
  }

  #job(name: string): Job {
    let job = this.#jobs.get(name);
    if (job === undefined) {
      job = { started: deferred(), released: deferred(), ended: deferred() };
      this.#jobs.set(name, job);
    }
    return job;
  }
}
