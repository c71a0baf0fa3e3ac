import { type Span, type SpanContext, TraceFlags } from "@opentelemetry/api";

/**
 * A span of a trace that is not recorded: all it does is to say so to the spans below it, here and elsewhere.
 * Its ids are made when somebody asks for them, which most handlers never do.
 */
export class UnrecordedSpan implements Span {
  #context: SpanContext | undefined;

  spanContext(): SpanContext {
    this.#context ??= {
      traceId: randomHex(),
      spanId: randomHex().slice(16),
      traceFlags: TraceFlags.NONE,
    };
    return this.#context;
  }

  isRecording(): boolean {
    return false;
  }

  setAttribute(): this {
    return this;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(): this {
    return this;
  }

  addLinks(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  updateName(): this {
    return this;
  }

  end(): void {}

  recordException(): void {}
}

/** 32 digits, of which no half is zero: ids of zeros are invalid. */
function randomHex(): string {
  return globalThis.crypto.randomUUID().replaceAll("-", "");
}
