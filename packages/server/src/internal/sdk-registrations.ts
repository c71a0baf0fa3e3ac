import {
  type CallToolResult,
  type CompleteResult,
  type ContentBlock,
  type GetPromptResult,
  type InputContext,
  isJsonObject,
  type JsonSchema,
  type Prompt,
  type PromptArgument,
  type ReadResourceResult,
  type RequestContext,
  type Resource,
  type ResourceTemplate,
  type Tool,
  UriTemplate,
} from "@backplane/protocol";
import type { Completer } from "../completions.ts";
import type { MCPServer } from "../mcp-server.ts";
import type { RegistrationHandle } from "../primitive-table.ts";
import type { PromptArgumentOptions } from "../prompts.ts";
import { isContentBlock } from "../tools.ts";
import type { HostedList } from "./sdk-catalog.ts";
import { checkGiven, type ResolvedHostOptions } from "./sdk-host-options.ts";

type Params = Readonly<Record<string, unknown>>;

/** How a registration reaches the hosted server. */
export interface Forwarding {
  /** Sends a request that may ask its client for something. */
  call(method: string, params: Params, context: InputContext): Promise<Params>;
  /** Sends a completion request, which may not. */
  complete(params: Params, context: RequestContext): Promise<Params>;
  /** Whether the hosted server completes arguments. */
  readonly completes: boolean;
}

const PROTECTION: readonly string[] = ["scopes", "roles", "tags"];

/** Registers one primitive of a hosted server in Backplane. */
export function registerHosted(
  server: MCPServer,
  options: ResolvedHostOptions,
  forwarding: Forwarding,
  { method }: HostedList,
  definition: Params,
): RegistrationHandle {
  switch (method) {
    case "tools/list":
      return registerTool(server, options, forwarding, definition as unknown as Tool);
    case "prompts/list":
      return registerPrompt(server, options, forwarding, definition as unknown as Prompt);
    default:
      return registerResource(
        server,
        options,
        forwarding,
        definition as unknown as Resource | ResourceTemplate,
      );
  }
}

function registerTool(
  server: MCPServer,
  options: ResolvedHostOptions,
  forwarding: Forwarding,
  tool: Tool,
): RegistrationHandle {
  const own = options.toolOptions(tool);
  checkGiven("toolOptions", own, [...PROTECTION, "deadlines"]);
  const { name, inputSchema, outputSchema, annotations } = tool;
  return server.tool<JsonSchema, JsonSchema | undefined>(
    options.namePrefix + name,
    {
      ...described(tool),
      input: inputSchema,
      ...(outputSchema !== undefined && { output: outputSchema }),
      ...(annotations !== undefined && { annotations }),
      ...own,
    },
    async (args, context) =>
      toolResult(name, await forwarding.call("tools/call", { name, arguments: args }, context)),
  );
}

/** The members that Backplane passes on; a block of another kind would be taken for the tool's value. */
function toolResult(tool: string, result: Params): CallToolResult {
  const { content = [], structuredContent, isError, _meta } = result;
  if (!Array.isArray(content) || !content.every(isContentBlock)) {
    throw new TypeError(`hosted tool "${tool}": its result holds content that MCP does not have`);
  }
  return {
    content: content as readonly ContentBlock[],
    ...(structuredContent !== undefined && { structuredContent }),
    ...(typeof isError === "boolean" && { isError }),
    ...(isJsonObject(_meta) && { _meta }),
  };
}

function registerPrompt(
  server: MCPServer,
  options: ResolvedHostOptions,
  forwarding: Forwarding,
  prompt: Prompt,
): RegistrationHandle {
  const own = options.promptOptions(prompt);
  checkGiven("promptOptions", own, PROTECTION);
  const { name } = prompt;
  const ref = { type: "ref/prompt", name };
  const listed = (prompt.arguments ?? []).map((argument): [string, PromptArgumentOptions] => [
    argument.name,
    { ...argumentOptions(argument), ...completion(forwarding, ref, argument.name) },
  ]);
  return server.prompt(
    options.namePrefix + name,
    { ...described(prompt), arguments: Object.fromEntries(listed), ...own },
    async (args, context) => {
      const params = { name, arguments: args };
      const result = await forwarding.call("prompts/get", params, context);
      if (!Array.isArray(result.messages)) {
        throw new TypeError(`hosted prompt "${name}": its result has no messages`);
      }
      return result as unknown as GetPromptResult;
    },
  );
}

function argumentOptions({ title, description, required }: PromptArgument): PromptArgumentOptions {
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(required !== undefined && { required }),
  };
}

function registerResource(
  server: MCPServer,
  options: ResolvedHostOptions,
  forwarding: Forwarding,
  resource: Resource | ResourceTemplate,
): RegistrationHandle {
  const own = options.resourceOptions(resource);
  checkGiven("resourceOptions", own, [...PROTECTION, "cacheHint"]);
  const { name, mimeType, annotations } = resource;
  const isTemplate = "uriTemplate" in resource;
  const size = isTemplate ? undefined : resource.size;
  return server.resource(
    isTemplate ? resource.uriTemplate : resource.uri,
    {
      name,
      ...described(resource),
      ...(mimeType !== undefined && { mimeType }),
      ...(annotations !== undefined && { annotations }),
      ...(size !== undefined && { size }),
      ...(isTemplate && { complete: variableCompleters(forwarding, resource.uriTemplate) }),
      ...own,
    },
    async ({ uri }, context) => {
      const result = await forwarding.call("resources/read", { uri }, context);
      if (!Array.isArray(result.contents)) {
        throw new TypeError(`hosted resource "${uri}": its result has no contents`);
      }
      return result as unknown as ReadResourceResult;
    },
  );
}

function variableCompleters(
  forwarding: Forwarding,
  uriTemplate: string,
): Readonly<Record<string, Completer>> {
  const ref = { type: "ref/resource", uri: uriTemplate };
  const completers = new UriTemplate(uriTemplate).variableNames.map(
    (variable) => [variable, completion(forwarding, ref, variable).complete] as const,
  );
  return Object.fromEntries(
    completers.filter((one): one is readonly [string, Completer] => one[1] !== undefined),
  );
}

function completion(
  forwarding: Forwarding,
  ref: object,
  name: string,
): { readonly complete?: Completer } {
  if (!forwarding.completes) return {};
  return {
    complete: async ({ value, chosen }, context) => {
      const given = Object.keys(chosen).length > 0 ? { context: { arguments: chosen } } : {};
      const params = { ref, argument: { name, value }, ...given };
      const result = await forwarding.complete(params, context);
      const found = result.completion as CompleteResult["completion"] | undefined;
      if (!Array.isArray(found?.values)) {
        throw new TypeError(`hosted completion of "${name}": its result has no values`);
      }
      return found as CompleteResult["completion"];
    },
  };
}

/** The members that every kind of primitive has. */
function described({
  title,
  description,
  icons,
  _meta,
}: Tool | Prompt | Resource | ResourceTemplate): {
  title?: string;
  description?: string;
  icons?: NonNullable<Tool["icons"]>;
  meta?: Record<string, unknown>;
} {
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(icons !== undefined && { icons }),
    ...(_meta !== undefined && { meta: _meta }),
  };
}
