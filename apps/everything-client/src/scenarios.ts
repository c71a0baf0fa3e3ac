import type { MCPClient } from "@backplane/client";
import type { JsonObject, Tool } from "@backplane/protocol";

/** What a client does to pass one scenario of the suite. */
export interface Scenario {
  run(client: MCPClient, context: JsonObject): Promise<void>;
  /** What the user fills into a form; the schema's defaults are added to it. */
  readonly form?: JsonObject;
  /** Done while a form waits for its answer. */
  whileAsked?(client: MCPClient): Promise<unknown>;
  /** The server or its authorization server lies: the client must refuse to go on. */
  readonly refuses?: true;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  initialize: { run: listTools },
  tools_call: {
    async run(client) {
      await client.listTools();
      await client.callTool("add_numbers", { a: 5, b: 3 });
    },
  },
  "elicitation-sep1034-client-defaults": {
    form: {},
    async run(client) {
      await client.callTool("test_client_elicitation_defaults");
    },
  },
  "sse-retry": {
    async run(client) {
      await client.callTool("test_reconnection");
    },
  },
  "request-metadata": { run: listTools },
  "sep-2322-client-request-state": {
    form: { confirmed: true },
    // State of one call must not show up in another that runs at the same time.
    whileAsked: (client) => client.callTool("test_mrtr_unrelated"),
    async run(client) {
      await Promise.all(
        ["test_mrtr_echo_state", "test_mrtr_no_state", "test_mrtr_no_result_type"].map((name) =>
          client.callTool(name),
        ),
      );
    },
  },
  "http-standard-headers": {
    async run(client) {
      for (const { name } of await client.listTools()) await client.callTool(name);
      for (const { uri } of await client.listResources()) await client.readResource(uri);
      for (const { name } of await client.listPrompts()) await client.getPrompt(name);
    },
  },
  "http-custom-headers": {
    async run(client, context) {
      await client.listTools();
      for (const { name, arguments: args } of context.toolCalls as unknown as ToolCall[]) {
        await client.callTool(name, args);
      }
    },
  },
  "http-invalid-tool-headers": {
    async run(client) {
      for (const tool of await client.listTools()) {
        await client.callTool(tool.name, argumentsFor(tool));
      }
    },
  },
  "json-schema-ref-no-deref": { run: listTools },
  "json-schema-2020-12-preservation": {
    async run(client) {
      const tools = await client.listTools();
      const focal = tools.find(({ name }) => name === "json_schema_2020_12_tool");
      if (focal === undefined) throw new Error("the tool with the schema is not listed");
      await client.callTool("json_schema_echo", { schema: focal.inputSchema as JsonObject });
    },
  },
};

/** Behind every kind of authorization stands the same server. */
const authorized: Scenario = {
  async run(client) {
    await client.listTools();
    await client.callTool("test-tool");
  },
};

const refused: ReadonlySet<string> = new Set([
  "auth/scope-retry-limit",
  "auth/resource-mismatch",
  "auth/iss-supported-missing",
  "auth/iss-wrong-issuer",
  "auth/iss-unexpected",
  "auth/iss-normalized",
  "auth/metadata-issuer-mismatch",
]);

/** Whether the scenario is about authorization. */
export function needsAuth(name: string): boolean {
  return name.startsWith("auth/");
}

/** @throws {TypeError} for a scenario that this client does not know. */
export function scenarioOf(name: string): Scenario {
  if (refused.has(name)) return { ...authorized, refuses: true };
  if (needsAuth(name)) return authorized;
  const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
  if (scenario === undefined) throw new TypeError(`no scenario ${JSON.stringify(name)}`);
  return scenario;
}

interface ToolCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

async function listTools(client: MCPClient): Promise<void> {
  await client.listTools();
}

/** A string for each required argument. */
function argumentsFor({ inputSchema }: Tool): JsonObject {
  const { required } = inputSchema as { required?: readonly string[] };
  return Object.fromEntries((required ?? []).map((name) => [name, "value"]));
}
