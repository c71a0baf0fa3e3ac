import type { RequestContext } from "@backplane/protocol";
import type { ProvidedContents } from "../resource-provider.ts";

/** The context of a request that nobody made, for calls of a provider outside of a server. */
export function suiteRequestContext(signal?: AbortSignal): RequestContext {
  return {
    serverId: "suite",
    requestId: 1,
    method: "resources/read",
    era: "modern",
    revision: "2026-07-28",
    principal: undefined,
    client: { info: undefined, capabilities: {} },
    sessionId: undefined,
    meta: {},
    correlationId: "suite",
    asked: false,
    transport: { kind: "in-memory", remoteAddress: undefined, header: () => undefined },
    signal: signal ?? new AbortController().signal,
    progress: () => {},
    log: () => {},
  };
}

/** The text of what a provider read, however it gave it; undefined when there is no such resource. */
export async function readText(
  contents: ProvidedContents | undefined,
): Promise<string | undefined> {
  if (contents === undefined) return undefined;
  const { body } = contents;
  if (typeof body === "string") return body;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  if (body instanceof Uint8Array) return decoder.decode(body);
  let text = "";
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
