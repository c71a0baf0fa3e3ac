import type { TransportInfo } from "@backplane/protocol";
import type { TextMapGetter, TextMapSetter } from "@opentelemetry/api";

/** Longest text that is read as trace context: W3C's own bound for baggage, the longest of the three. */
const MAX_LENGTH = 8_192;

/** Reads trace context from `_meta`, which holds whatever the client put there. */
export const metaGetter: TextMapGetter<Readonly<Record<string, unknown>>> = {
  keys: (meta) => Object.keys(meta),
  get: (meta, key) => readable(Object.hasOwn(meta, key) ? meta[key] : undefined),
};

/** Reads trace context from the headers of an HTTP request. */
export const headerGetter: TextMapGetter<TransportInfo> = {
  keys: () => [],
  get: (transport, key) => readable(transport.header(key.toLowerCase())),
};

/** Writes trace context into an object. */
export const setter: TextMapSetter<Record<string, string>> = {
  set(carrier, key, value) {
    carrier[key] = value;
  },
};

/** What of a carrier a header may hold: anything else would make the request fail. */
export function headersOf(carrier: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(carrier).filter(([, value]) => /^[\x20-\x7e]*$/.test(value)),
  );
}

function readable(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= MAX_LENGTH ? value : undefined;
}
