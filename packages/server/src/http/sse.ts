import type { SseEvent } from "./exchange.ts";

/** Headers of every stream: no cache may keep it, no proxy may buffer it (spec: transports/streamable-http). */
export const SSE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

/** How often an idle stream says that it lives: below the idle limits of common proxies (60 s). */
export const KEEP_ALIVE_MS = 15_000;

/** The text of one event (WHATWG HTML, server-sent events). */
export function formatEvent({ id, event, data, retryMs }: SseEvent): string {
  if (data === undefined && event === undefined && id === undefined && retryMs === undefined) {
    return ": keep-alive\n\n";
  }
  let text = "";
  if (event !== undefined) text += `event: ${event}\n`;
  if (id !== undefined) text += `id: ${id}\n`;
  if (retryMs !== undefined) text += `retry: ${retryMs}\n`;
  if (data !== undefined) text += data === "" ? "data:\n" : `data: ${data}\n`;
  return `${text}\n`;
}
