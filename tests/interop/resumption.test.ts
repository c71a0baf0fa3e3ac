import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
} from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport as TransportV1 } from "@modelcontextprotocol/sdk/shared/transport.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { useEverything } from "../protocol/harness/everything.ts";

const everything = useEverything();
const info = { name: "interop-resumption", version: "1.0.0" };
const request = {
  method: "tools/call",
  params: { name: "test_tool_with_progress", arguments: {} },
} as const;

interface Resumable {
  /** Starts the call and goes away at its first progress: the session and where its stream broke. */
  breakOff(url: URL): Promise<{ sessionId: string; token: string }>;
  /** Comes back with a new client and asks for the rest. */
  resume(url: URL, sessionId: string, token: string): Promise<unknown>;
}

/** Resolves at the first event id after progress was seen. */
function firstToken() {
  let resolve: (token: string) => void = () => undefined;
  const token = new Promise<string>((settle) => {
    resolve = settle;
  });
  return { token, onresumptiontoken: (value: string) => resolve(value) };
}

const clients: [string, Resumable][] = [
  [
    "SDK v1",
    {
      async breakOff(url) {
        const client = new ClientV1(info);
        const transport = new HttpV1(url);
        await client.connect(transport as TransportV1);
        const { token, onresumptiontoken } = firstToken();
        const call = client.request(request, CallToolResultSchema, {
          onprogress: () => undefined,
          onresumptiontoken,
        });
        call.catch(() => undefined);
        const broken = { sessionId: String(transport.sessionId), token: await token };
        await client.close();
        return broken;
      },
      async resume(url, sessionId, resumptionToken) {
        const client = new ClientV1(info);
        const transport = new HttpV1(url, { sessionId });
        transport.setProtocolVersion("2025-11-25");
        await client.connect(transport as TransportV1);
        const result = await client.request(request, CallToolResultSchema, { resumptionToken });
        await transport.terminateSession();
        await client.close();
        return result;
      },
    },
  ],
  [
    "SDK v2, legacy",
    {
      async breakOff(url) {
        const client = new ClientV2(info, { versionNegotiation: { mode: "legacy" } });
        const transport = new HttpV2(url);
        await client.connect(transport);
        const { token, onresumptiontoken } = firstToken();
        const call = client.callTool(request.params, {
          onprogress: () => undefined,
          onresumptiontoken,
        });
        call.catch(() => undefined);
        const broken = { sessionId: String(transport.sessionId), token: await token };
        await client.close();
        return broken;
      },
      async resume(url, sessionId, resumptionToken) {
        const client = new ClientV2(info, { versionNegotiation: { mode: "legacy" } });
        const transport = new HttpV2(url, { sessionId, protocolVersion: "2025-11-25" });
        await client.connect(transport);
        const result = await client.callTool(request.params, { resumptionToken });
        await transport.terminateSession();
        await client.close();
        return result;
      },
    },
  ],
];

describe.each(clients)("%s", (_name, { breakOff, resume }) => {
  it("comes back with the session and the last event, and gets the result", async () => {
    const url = new URL(everything.url);
    const { sessionId, token } = await breakOff(url);
    expect(await resume(url, sessionId, token)).toMatchObject({
      content: [{ type: "text", text: "Tool with progress executed successfully" }],
    });
  });
});
