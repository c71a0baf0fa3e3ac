import {
  encodeHeaderValue,
  fullCapabilities,
  metaCapabilities,
  metaClientInfo,
  metaLogLevel,
  metaVersion,
  modernRevision,
  type Params,
} from "../protocol/harness/messages.ts";

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** A request that is right: what the mutations start from. */
export interface SeedRequest {
  readonly method: "POST" | "GET" | "DELETE";
  /** Path and query. */
  readonly target: string;
  readonly headers: HeaderList;
  /** A JSON value; undefined for no body. */
  readonly body: unknown;
}

const PATH = "/mcp";

/** Tools of apps/everything, with arguments that they take. */
const TOOL_ARGUMENTS: Readonly<Record<string, Params>> = {
  add_numbers: { a: 2, b: 3 },
  count_letters: { text: "four" },
  test_simple_text: {},
  test_image_content: {},
  test_audio_content: {},
  test_embedded_resource: {},
  test_resource_link: {},
  test_multiple_content_types: {},
  test_error_handling: {},
  test_masked_error: {},
  json_schema_2020_12_tool: { name: "Ada", contactMethod: "phone", phone: "1" },
  test_header_parameters: { region: "eu", priority: 3, dryRun: true, query: "x" },
  test_tool_with_logging: {},
  test_logging_tool: {},
  test_tool_with_progress: {},
  test_reconnection: {},
  slow_operation: { durationMs: 20, label: "fuzz" },
  was_cancelled: { label: "fuzz" },
  test_trigger_tool_change: {},
  test_trigger_prompt_change: {},
  test_trigger_resource_change: {},
  test_touch_watched_resource: {},
};

/** Those that ask the client, and wait for it in the legacy era. */
const ASKING_TOOL_ARGUMENTS: Readonly<Record<string, Params>> = {
  test_sampling: { prompt: "Hello" },
  test_elicitation: { message: "Who are you?" },
  test_elicitation_sep1034_defaults: {},
  test_elicitation_sep1330_enums: {},
  test_url_elicitation: {},
  test_list_roots: {},
  test_streaming_elicitation: {},
  test_input_required_result_elicitation: {},
  test_input_required_result_multiple_inputs: {},
  test_input_required_result_multi_round: {},
  test_input_required_result_capabilities: {},
};

/** Methods whose requests are the same in both eras. */
const SHARED: readonly (readonly [method: string, params: Params])[] = [
  ["tools/list", {}],
  ["tools/list", { cursor: "@cursor@" }],
  ["prompts/list", {}],
  ["resources/list", {}],
  ["resources/templates/list", {}],
  ["prompts/get", { name: "test_simple_prompt" }],
  ["prompts/get", { name: "test_prompt_with_arguments", arguments: { arg1: "a", arg2: "b" } }],
  [
    "prompts/get",
    { name: "test_prompt_with_embedded_resource", arguments: { resourceUri: "test://x" } },
  ],
  ["prompts/get", { name: "test_prompt_with_image" }],
  ["prompts/get", { name: "test_input_required_result_prompt" }],
  ["resources/read", { uri: "test://static-text" }],
  ["resources/read", { uri: "test://static-binary" }],
  ["resources/read", { uri: "test://template/7/data" }],
  [
    "completion/complete",
    {
      ref: { type: "ref/prompt", name: "test_prompt_with_arguments" },
      argument: { name: "arg1", value: "te" },
      context: { arguments: { arg2: "b" } },
    },
  ],
  [
    "completion/complete",
    {
      ref: { type: "ref/resource", uri: "test://template/{id}/data" },
      argument: { name: "id", value: "1" },
    },
  ],
  ...Object.entries({ ...TOOL_ARGUMENTS, ...ASKING_TOOL_ARGUMENTS }).map(
    ([name, args]) => ["tools/call", { name, arguments: args }] as const,
  ),
];

const MODERN_ONLY: readonly (readonly [method: string, params: Params])[] = [
  ["server/discover", {}],
  [
    "subscriptions/listen",
    {
      notifications: {
        toolsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: ["test://watched-resource"],
      },
    },
  ],
  [
    "tools/call",
    {
      name: "test_input_required_result_elicitation",
      arguments: {},
      inputResponses: { user_name: { action: "accept", content: { name: "Ada" } } },
      requestState: "@state@",
    },
  ],
  // Gone from this revision.
  ["ping", {}],
  ["initialize", { protocolVersion: modernRevision }],
];

const LEGACY_ONLY: readonly (readonly [method: string, params: Params])[] = [
  ["ping", {}],
  ["logging/setLevel", { level: "debug" }],
  ["resources/subscribe", { uri: "test://watched-resource" }],
  ["resources/unsubscribe", { uri: "test://watched-resource" }],
  ["server/discover", {}],
];

const LEGACY_NOTIFICATIONS: readonly (readonly [method: string, params: Params])[] = [
  ["notifications/initialized", {}],
  ["notifications/cancelled", { requestId: "s@id@", reason: "no longer needed" }],
  ["notifications/progress", { progressToken: 1, progress: 1 }],
  ["notifications/roots/list_changed", {}],
];

const JSON_HEADERS: HeaderList = [
  ["Content-Type", "application/json"],
  ["Accept", "application/json, text/event-stream"],
];

const LEGACY_REVISIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] as const;

/** Every modern request as a client should send it. */
export const modernSeeds: readonly SeedRequest[] = [...SHARED, ...MODERN_ONLY].flatMap(
  ([method, params], index) => {
    const meta = {
      [metaVersion]: modernRevision,
      [metaCapabilities]: index % 4 === 3 ? {} : fullCapabilities,
      [metaClientInfo]: { name: "fuzz", version: "1" },
      ...(index % 2 === 0 && { progressToken: "p@id@", [metaLogLevel]: "debug" }),
    };
    const id = index % 3 === 0 ? "s@id@" : "@id@";
    const body = { jsonrpc: "2.0", id, method, params: { ...params, _meta: meta } };
    return [{ method: "POST", target: PATH, headers: standardHeaders(body), body }];
  },
);

const modernNotification: SeedRequest = {
  method: "POST",
  target: PATH,
  headers: [
    ...JSON_HEADERS,
    ["MCP-Protocol-Version", modernRevision],
    ["Mcp-Method", "notifications/cancelled"],
  ],
  body: {
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 1, _meta: { [metaVersion]: modernRevision, [metaCapabilities]: {} } },
  },
};

/** Every legacy message of a session, without the transport. */
export const legacyMessages: readonly Params[] = [
  ...[...SHARED, ...LEGACY_ONLY].map(([method, params], index) => ({
    jsonrpc: "2.0",
    id: index % 3 === 0 ? "s@id@" : "@id@",
    method,
    params: { ...params, ...(index % 2 === 0 && { _meta: { progressToken: "p@id@" } }) },
  })),
  ...LEGACY_NOTIFICATIONS.map(([method, params]) => ({ jsonrpc: "2.0", method, params })),
  // Answers to a question that nobody asked.
  { jsonrpc: "2.0", id: 1, result: { action: "accept", content: { name: "Ada" } } },
  { jsonrpc: "2.0", id: "x", error: { code: -1, message: "User rejected sampling request" } },
];

export function initializeMessage(revision: string): Params {
  return {
    jsonrpc: "2.0",
    id: "@id@",
    method: "initialize",
    params: {
      protocolVersion: revision,
      capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
      clientInfo: { name: "fuzz", version: "1" },
    },
  };
}

const SESSION_HEADERS: HeaderList = [
  ["Mcp-Session-Id", "@session@"],
  ["MCP-Protocol-Version", "2025-11-25"],
];

const legacySeeds: readonly SeedRequest[] = [
  ...LEGACY_REVISIONS.map((revision) => post(initializeMessage(revision))),
  ...legacyMessages.map((body) => post(body, SESSION_HEADERS)),
  post(legacyMessages.slice(0, 3), [["Mcp-Session-Id", "@batch-session@"]]),
  post([legacyMessages[0], legacyMessages.at(-1)], [["Mcp-Session-Id", "@batch-session@"]]),
  post(legacyMessages[0], [["Mcp-Session-Id", "@ended-session@"]]),
  ...legacyMessages
    .filter((_, index) => index % 5 === 0)
    .map((body) => ({ ...post(body), target: `${PATH}?sessionId=@sse-session@` })),
  get(SESSION_HEADERS),
  get([...SESSION_HEADERS, ["Last-Event-ID", "@event@"]]),
  // HTTP+SSE: a new stream, and with it a session.
  get([]),
  {
    method: "DELETE",
    target: PATH,
    headers: [["Mcp-Session-Id", "@victim-session@"]],
    body: undefined,
  },
];

export const httpSeeds: readonly SeedRequest[] = [
  ...modernSeeds,
  modernNotification,
  ...legacySeeds,
];

function post(body: unknown, headers: HeaderList = []): SeedRequest {
  return { method: "POST", target: PATH, headers: [...JSON_HEADERS, ...headers], body };
}

function get(headers: HeaderList): SeedRequest {
  const accept: HeaderList = [["Accept", "text/event-stream"]];
  return { method: "GET", target: PATH, headers: [...accept, ...headers], body: undefined };
}

/**
 * The headers that mirror a modern body, as far as it has what they mirror. Values that cannot be sent are
 * left out.
 */
export function standardHeaders(body: unknown): HeaderList {
  const { method, params } = (body ?? {}) as { method?: unknown; params?: unknown };
  const { name, uri, arguments: args, _meta } = (params ?? {}) as Record<string, unknown>;
  const { region, priority, dryRun } = (args ?? {}) as Record<string, unknown>;
  const version = ((_meta ?? {}) as Record<string, unknown>)[metaVersion];
  const mirrored: [string, unknown][] = [
    ["MCP-Protocol-Version", version],
    ["Mcp-Method", method],
    ["Mcp-Name", method === "resources/read" ? uri : name],
    ["Mcp-Param-Region", region],
    ["Mcp-Param-Priority", priority],
    ["Mcp-Param-Dry-Run", dryRun],
  ];
  return [
    ...JSON_HEADERS,
    ...mirrored.flatMap(([header, value]): [string, string][] =>
      ["string", "number", "boolean"].includes(typeof value)
        ? [[header, encodeHeaderValue(String(value))]]
        : [],
    ),
  ];
}
