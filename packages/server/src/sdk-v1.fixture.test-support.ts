import { completable } from "@modelcontextprotocol/sdk/server/completable.js";
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  ElicitResultSchema,
  McpError,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import {
  FIXTURE_TOOLS,
  FixtureState,
  type HostedFixture,
  type SdkHandlerContext,
} from "./sdk-fixture.test-support.ts";

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** The hosted server of the tests, written for SDK v1. */
export function sdkV1Fixture(): HostedFixture {
  const state = new FixtureState();
  const mcp = new McpServer(
    { name: "hosted", version: "3.2.1", title: "Hosted" },
    {
      instructions: "Use add to add.",
      capabilities: { logging: {}, resources: { subscribe: true, listChanged: true } },
    },
  );
  for (const [name, { input, output, run }] of Object.entries(FIXTURE_TOOLS)) {
    mcp.registerTool(
      name,
      {
        title: `Title of ${name}`,
        description: `Does ${name}`,
        inputSchema: input,
        ...(output !== undefined && { outputSchema: output }),
        annotations: { readOnlyHint: true },
        _meta: { "test/tool": name },
      },
      (args: unknown, extra: Extra) => run(args as never, contextOf(mcp, extra), state),
    );
  }
  mcp.registerPrompt(
    "greet",
    {
      title: "Greet",
      description: "Greets somebody",
      argsSchema: {
        name: completable(z.string(), (value) =>
          ["Ada", "Alan", "Grace"].filter((name) => name.startsWith(value)),
        ),
      },
    },
    ({ name }) => ({
      description: "A greeting",
      messages: [{ role: "user", content: { type: "text", text: `Greet ${name}` } }],
    }),
  );
  mcp.registerResource(
    "memo",
    "memo://one",
    { mimeType: "text/plain", description: "One memo" },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: "text/plain", text: "remember" }] }),
  );
  mcp.registerResource(
    "note",
    new ResourceTemplate("note://{id}", {
      list: undefined,
      complete: { id: (value) => ["first", "second"].filter((id) => id.startsWith(value)) },
    }),
    { mimeType: "text/plain" },
    (uri, { id }) => {
      if (id === "gone") throw new McpError(-31_999, "no such note", { id });
      return { contents: [{ uri: uri.href, text: `note ${id}` }] };
    },
  );
  mcp.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    state.subscribed.push(params.uri);
    return {};
  });
  mcp.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    state.subscribed.splice(state.subscribed.indexOf(params.uri), 1);
    return {};
  });
  const added = new Map<string, { remove(): void }>();
  return {
    sdkServer: mcp,
    state,
    addTool: (name) => {
      const tool = mcp.registerTool(name, {}, () => ({ content: [{ type: "text", text: name }] }));
      added.set(name, tool);
    },
    removeTool: (name) => added.get(name)?.remove(),
    sendResourceUpdated: (uri) => mcp.server.sendResourceUpdated({ uri }),
    elicitOutside: () =>
      mcp.server.elicitInput({
        message: "anybody there?",
        requestedSchema: { type: "object", properties: {} },
      }),
    logOutside: () => mcp.sendLoggingMessage({ level: "warning", data: "outside" }),
  };
}

function contextOf(mcp: McpServer, extra: Extra): SdkHandlerContext {
  return {
    signal: extra.signal,
    authInfo: extra.authInfo,
    meta: extra._meta ?? {},
    progress: (progress, total, message) =>
      extra.sendNotification({
        method: "notifications/progress",
        params: {
          progressToken: extra._meta?.progressToken as string | number,
          progress,
          total,
          message,
        },
      }),
    log: (level, data) => mcp.sendLoggingMessage({ level, data, logger: "hosted-logger" }),
    elicit: (message, requestedSchema) =>
      mcp.server.elicitInput({ message, requestedSchema: requestedSchema as never }),
    elicitUrl: (message, url) =>
      mcp.server.elicitInput({ mode: "url", message, url, elicitationId: "e1" }),
    elicitRelated: (message, requestedSchema) =>
      extra.sendRequest(
        {
          method: "elicitation/create",
          params: { mode: "form", message, requestedSchema: requestedSchema as never },
        },
        ElicitResultSchema,
      ),
    sample: (text) =>
      mcp.server.createMessage({
        messages: [{ role: "user", content: { type: "text", text } }],
        maxTokens: 10,
      }),
    roots: () => mcp.server.listRoots(),
    urlRequired: (message, url) =>
      new UrlElicitationRequiredError([{ mode: "url", message, url, elicitationId: "e2" }]),
  };
}
