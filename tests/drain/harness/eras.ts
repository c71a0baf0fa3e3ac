import type { Agent } from "node:http";
import {
  type Exchange,
  callTool as modernCall,
  type OpenStream,
  openModern,
  send,
} from "../../protocol/harness/http.ts";
import { type LegacySession, openSession } from "../../protocol/harness/legacy-session.ts";
import { legacyRequest, type Params } from "../../protocol/harness/messages.ts";

/** Calls to a server in one era, over HTTP. */
export interface EraClient {
  call(name: string, args?: Params, agent?: Agent): Promise<Exchange>;
  /** A call that asks for progress: its answer is a stream once there was some. */
  open(name: string, args?: Params): Promise<OpenStream>;
}

export interface Era {
  readonly name: "modern" | "legacy";
  connect(url: string): Promise<EraClient>;
}

/** Both eras, for `describe.each`. */
export const eras: readonly Era[] = [
  {
    name: "modern",
    connect: async (url) => ({
      call: (name, args, agent) => modernCall(url, name, args, { ...(agent && { agent }) }),
      open: (name, args = {}) =>
        openModern(
          url,
          "tools/call",
          { name, arguments: args },
          { meta: { progressToken: "progress" } },
        ),
    }),
  },
  {
    name: "legacy",
    connect: async (url) => legacyClient(await openSession(url)),
  },
];

/** A session's calls in the words of {@link EraClient}. */
function legacyClient(session: LegacySession): EraClient {
  return {
    call: (name, args, agent) =>
      send(session.url, {
        headers: session.headers,
        body: legacyRequest("tools/call", { name, arguments: args ?? {} }, session.newId()),
        ...(agent && { agent }),
      }),
    open: (name, args = {}) => session.openTool(name, args, { progressToken: "progress" }),
  };
}
