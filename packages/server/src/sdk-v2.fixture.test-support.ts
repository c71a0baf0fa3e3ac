import {
  completable,
  McpServer,
  ProtocolError,
  ResourceTemplate,
  type ServerContext,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import {
  FIXTURE_TOOLS,
  FixtureState,
  type HostedFixture,
  type SdkHandlerContext,
} from "./sdk-fixture.test-support.ts";

/** The hosted server of the tests, written for SDK v2. */
export function sdkV2Fixture(): HostedFixture {
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
      (args: unknown, context: ServerContext) => run(args, contextOf(mcp, context), state),
    );
  }
  mcp.registerPrompt(
    "greet",
    {
      title: "Greet",
      description: "Greets somebody",
      argsSchema: z.object({
        name: completable(z.string(), (value) =>
          ["Ada", "Alan", "Grace"].filter((name) => name.startsWith(value)),
        ),
      }),
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
      if (id === "gone") throw new ProtocolError(-31_999, "no such note", { id });
      return { contents: [{ uri: uri.href, text: `note ${id}` }] };
    },
  );
  mcp.server.setRequestHandler("resources/subscribe", ({ params }) => {
    state.subscribed.push(params.uri);
    return {};
  });
  mcp.server.setRequestHandler("resources/unsubscribe", ({ params }) => {
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

function contextOf(mcp: McpServer, { mcpReq, http }: ServerContext): SdkHandlerContext {
  return {
    signal: mcpReq.signal,
    authInfo: http?.authInfo,
    meta: mcpReq._meta ?? {},
    progress: (progress, total, message) =>
      mcpReq.notify({
        method: "notifications/progress",
        params: {
          progressToken: mcpReq._meta?.progressToken as string | number,
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
      mcpReq.send({
        method: "elicitation/create",
        params: { mode: "form", message, requestedSchema: requestedSchema as never },
      }),
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
