import {
  type Context,
  INVALID_SPAN_CONTEXT,
  type Span,
  TraceFlags,
  trace,
} from "@opentelemetry/api";

/** Where the API keeps the span of a context: it does not export the key, but shows it to any context. */
const SPAN_KEY = spanKey();

/**
 * A context with a span of its own above another one, which is not recorded and says so to the spans below it, here
 * and elsewhere. `trace.setSpan` would do the same, but copies what is below into a `Map` between closures, which is
 * a sixth of what a call that is not recorded costs. The span is made when somebody asks for it, which most handlers
 * never do.
 */
export class UnrecordedContext implements Context {
  readonly #below: Context;
  #span: Span | undefined;

  constructor(below: Context) {
    this.#below = below;
  }

  getValue(key: symbol): unknown {
    if (key !== SPAN_KEY) return this.#below.getValue(key);
    this.#span ??= trace.wrapSpanContext({
      traceId: randomHex(),
      spanId: randomHex().slice(16),
      traceFlags: TraceFlags.NONE,
    });
    return this.#span;
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#plain().setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#plain().deleteValue(key);
  }

  /** The same as a context of the API's own. */
  #plain(): Context {
    return this.#below.setValue(SPAN_KEY, this.getValue(SPAN_KEY));
  }
}

function spanKey(): symbol {
  const keys: symbol[] = [];
  const probe: Context = {
    getValue: () => undefined,
    setValue: (key) => {
      keys.push(key);
      return probe;
    },
    deleteValue: () => probe,
  };
  trace.setSpanContext(probe, INVALID_SPAN_CONTEXT);
  return keys[0] as symbol;
}

/** 32 digits, of which no half is zero: ids of zeros are invalid. */
function randomHex(): string {
  return globalThis.crypto.randomUUID().replaceAll("-", "");
}
