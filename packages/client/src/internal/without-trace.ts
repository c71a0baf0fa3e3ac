import { TRACE_KEYS } from "@backplane/protocol";

const TRACE_HEADERS: ReadonlySet<string> = new Set(TRACE_KEYS);

/**
 * Headers without trace context, which differs with each request and says nothing of who asks: what is kept by
 * headers would never be found again.
 * @param headers names in lower case and values by turns.
 */
export function withoutTrace(headers: readonly string[]): readonly string[] {
  if (headers.length === 0) return headers;
  const rest: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!TRACE_HEADERS.has(name)) rest.push(name, headers[index + 1] as string);
  }
  return rest;
}
