import {
  CHANNELS,
  type ClientRequestEndEvent,
  type JsonObject,
  MCPError,
  type RequestOutcome,
} from "@backplane/protocol";
import type { CircuitState } from "./circuit-breaker.ts";
import { MCPClientError } from "./errors.ts";
import type { MethodCall } from "./request-plan.ts";
import type { Agreement } from "./server-description.ts";

/** Who tells: the client and its target stand in every payload. */
export interface EventSource {
  readonly clientId: string;
  /** Where requests go: the URL without credentials and query, or the command. */
  readonly server: string;
}

/** Whether anybody listens to the ends of requests. */
export function hasObservers(): boolean {
  return CHANNELS.clientRequestEnd.hasSubscribers;
}

/** Tells whoever listens when and how the request ends, with all that it took. */
export function observeRequest(
  source: EventSource,
  call: MethodCall,
  agreement: () => Agreement | undefined,
  run: () => Promise<JsonObject>,
): Promise<JsonObject> {
  if (!hasObservers()) return run();
  const beganAtMs = performance.now();
  const publish = (
    outcome: RequestOutcome,
    errorCode: ClientRequestEndEvent["errorCode"],
  ): void => {
    const { era, revision } = agreement() ?? {};
    CHANNELS.clientRequestEnd.publish({
      clientId: source.clientId,
      server: source.server,
      method: call.method,
      target: targetOf(call),
      era,
      revision,
      durationMs: performance.now() - beganAtMs,
      outcome,
      errorCode,
    });
  };
  const running = run();
  running.then(
    (result) => publish(result["isError"] === true ? "tool_error" : "ok", undefined),
    (error: unknown) => publish(isAborted(error) ? "cancelled" : "error", codeOf(error)),
  );
  return running;
}

/** What the request acts on, as interceptors and events name it. */
export function targetOf({ params }: MethodCall): string | undefined {
  return (params.name ?? params.uri) as string | undefined;
}

export function connectionOpened({ clientId, server }: EventSource): void {
  if (!CHANNELS.clientConnection.hasSubscribers) return;
  CHANNELS.clientConnection.publish({ clientId, server, delta: 1, durationMs: undefined });
}

export function connectionEnded({ clientId, server }: EventSource, durationMs: number): void {
  if (!CHANNELS.clientConnection.hasSubscribers) return;
  CHANNELS.clientConnection.publish({ clientId, server, delta: -1, durationMs });
}

export function circuitChanged(
  { clientId, server }: EventSource,
  state: CircuitState,
  previous: CircuitState,
): void {
  if (!CHANNELS.circuit.hasSubscribers) return;
  CHANNELS.circuit.publish({ clientId, server, state, previous });
}

function isAborted(error: unknown): boolean {
  return MCPClientError.isInstance(error) && error.code === "aborted";
}

function codeOf(error: unknown): number | string | undefined {
  return MCPError.isInstance(error) || MCPClientError.isInstance(error) ? error.code : undefined;
}
