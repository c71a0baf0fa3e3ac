import { codecFor, type Era, LEGACY_REVISIONS, MODERN_REVISIONS } from "@backplane/protocol";
import { BoundedLabels, OTHER } from "./labels.ts";
import { Operation, type OperationSeries, type OperationTarget } from "./operation.ts";

/** Distinct errors that are told apart: a handler may throw any code. */
const MAX_ERROR_TYPES = 50;

/** Servers that a table of clients tells apart. */
const MAX_SERVERS = 100;

/** The methods that exist; `initialize` and the notifications are not dispatched. */
const METHODS: ReadonlySet<string> = new Set(
  [...MODERN_REVISIONS, ...LEGACY_REVISIONS].flatMap((revision) => [
    ...codecFor(revision).methods.keys(),
  ]),
);

/** What is told apart. */
export interface TableOptions {
  readonly durations: boolean;
  readonly targets: boolean;
  readonly errors: boolean;
  /** Tools and prompts that are told apart. */
  readonly maxTargets: number;
}

/** What an operation is, as it was told: its names are not bounded yet. */
export interface OperationParts {
  readonly method: string;
  readonly kind: OperationTarget["kind"] | undefined;
  /** The tool or prompt. */
  readonly name: string | undefined;
  readonly era: Era | undefined;
  readonly server: string | undefined;
}

/** One operation that has ended. */
export interface EndedOperation extends OperationParts {
  readonly revision: string | undefined;
  readonly transport: string;
  readonly errorType: string | undefined;
  readonly durationMs: number;
}

/** The operations of one method or target. */
export type ByEra = { -readonly [Key in Era | "unknown"]?: Operation };

/** All operations that were seen, in bounded number. */
export class OperationTable {
  readonly #options: TableOptions;
  readonly #labels: Readonly<Record<OperationTarget["kind"], BoundedLabels>>;
  readonly #errorTypes = new BoundedLabels(MAX_ERROR_TYPES);
  readonly #servers = new BoundedLabels(MAX_SERVERS);
  readonly #targets: Readonly<Record<OperationTarget["kind"], Map<string, ByEra>>> = {
    tool: new Map(),
    prompt: new Map(),
  };
  readonly #methods = new Map<string, ByEra>();
  readonly #all: Operation[] = [];

  constructor(options: TableOptions) {
    const { maxTargets } = options;
    this.#options = options;
    this.#labels = { tool: new BoundedLabels(maxTargets), prompt: new BoundedLabels(maxTargets) };
  }

  /** Whether durations are collected. */
  get timed(): boolean {
    return this.#options.durations;
  }

  /** In the order in which they were first seen. */
  get operations(): readonly Operation[] {
    return this.#all;
  }

  record(ended: EndedOperation): OperationSeries {
    const label = this.errorLabel(ended.errorType);
    return this.operation(ended).record(ended.revision, ended.transport, label, ended.durationMs);
  }

  /** What an error is counted under; undefined for none, and when errors are not told apart. */
  errorLabel(errorType: string | undefined): string | undefined {
    return errorType === undefined || !this.#options.errors
      ? undefined
      : this.#errorTypes.of(errorType);
  }

  /** The operation that it is counted under, each time the same. */
  operation({ method, kind, name, era, server }: OperationParts): Operation {
    const known = METHODS.has(method) ? method : OTHER;
    const at = server === undefined ? undefined : this.#servers.of(server);
    if (kind === undefined || !this.#options.targets) {
      return this.#at(this.#methods, keyOf(at, known), {
        method: known,
        target: undefined,
        era,
        server: at,
      });
    }
    const label = name === undefined ? OTHER : this.#labels[kind].of(name);
    return this.#at(this.#targets[kind], keyOf(at, label), {
      method: known,
      target: { kind, label },
      era,
      server: at,
    });
  }

  #at(
    operations: Map<string, ByEra>,
    key: string,
    parts: Omit<ConstructorParameters<typeof Operation>[0], "withDurations">,
  ): Operation {
    let byEra = operations.get(key);
    if (byEra === undefined) {
      byEra = {};
      operations.set(key, byEra);
    }
    const slot = parts.era ?? "unknown";
    let operation = byEra[slot];
    if (operation === undefined) {
      operation = new Operation({ ...parts, withDurations: this.#options.durations });
      byEra[slot] = operation;
      this.#all.push(operation);
    }
    return operation;
  }
}

/** The length first, so that no two pairs look alike. */
function keyOf(server: string | undefined, label: string): string {
  return server === undefined ? label : `${server.length}:${server}${label}`;
}
