import type { MCPClient } from "@backplane/client";
import type { JsonObject, Prompt, Resource, ResourceTemplate, Tool } from "@backplane/protocol";
import { MCPTestClient } from "./mcp-test-client.ts";
import type { MCPTestClientOptions } from "./test-client-options.ts";
import type { TestTarget } from "./test-server.ts";

/** Everything that a server shows to one caller. Its version is left out: it changes with every release. */
export interface ServerSurface {
  readonly name: string | undefined;
  readonly instructions: string | undefined;
  readonly capabilities: JsonObject;
  /** By name, as are the others. */
  readonly tools: Readonly<Record<string, Omit<Tool, "name">>>;
  readonly prompts: Readonly<Record<string, Omit<Prompt, "name">>>;
  /** By URI. */
  readonly resources: Readonly<Record<string, Omit<Resource, "uri">>>;
  /** By URI template. */
  readonly resourceTemplates: Readonly<Record<string, Omit<ResourceTemplate, "uriTemplate">>>;
}

/**
 * What a server shows to the caller that the options describe.
 * @throws {MCPClientError} when there is no connection. @throws {MCPError} what the server answered.
 */
export async function surfaceOf(
  target: TestTarget,
  options: MCPTestClientOptions = {},
): Promise<ServerSurface> {
  const tester = new MCPTestClient(target, options);
  try {
    return await read((await tester.connect()).client);
  } finally {
    await tester.disconnect();
  }
}

async function read(client: MCPClient): Promise<ServerSurface> {
  const { info, instructions, capabilities = {} } = client.server ?? {};
  const offers = capabilities as Readonly<Record<string, unknown>>;
  return {
    name: info?.name,
    instructions,
    capabilities: offers as JsonObject,
    tools: offers["tools"] === undefined ? {} : by("name", await client.listTools()),
    prompts: offers["prompts"] === undefined ? {} : by("name", await client.listPrompts()),
    resources: offers["resources"] === undefined ? {} : by("uri", await client.listResources()),
    resourceTemplates:
      offers["resources"] === undefined
        ? {}
        : by("uriTemplate", await client.listResourceTemplates()),
  };
}

function by<Item extends object, Key extends keyof Item>(
  key: Key,
  items: readonly Item[],
): Record<string, Omit<Item, Key>> {
  return Object.fromEntries(
    items.map((item) => {
      const { [key]: name, ...rest } = item;
      return [String(name), rest];
    }),
  );
}
