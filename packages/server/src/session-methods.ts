import { invalidParams, isLogLevel, methodNotFound } from "@backplane/protocol";
import type { Call } from "./call.ts";

/** `logging/setLevel`, of legacy sessions and connections. */
export async function setLevel(call: Call): Promise<object> {
  const { session } = call.peer;
  // Without a session there is nothing that could remember the level: a stateless leg has no such method.
  if (session === undefined) throw methodNotFound(call.method);
  const { level } = call.params;
  if (!isLogLevel(level)) throw invalidParams("params.level must be a log level (RFC 5424)");
  await session.setLogLevel(level);
  return {};
}

/** `resources/subscribe` and `resources/unsubscribe`, of legacy sessions and connections. */
export async function setSubscription(call: Call, subscribed: boolean): Promise<object> {
  const { session } = call.peer;
  if (session === undefined) throw methodNotFound(call.method);
  const { uri } = call.params;
  if (typeof uri !== "string") throw invalidParams("params.uri must be a string");
  if (!(await session.setSubscription(uri, subscribed))) {
    throw invalidParams("this session has as many subscriptions as the server allows");
  }
  return {};
}
