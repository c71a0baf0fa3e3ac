/**
 * Our types against those of the two SDKs, compared by `tsc`: a shape that drifts does not compile.
 * `Plain` takes out what both sides write differently on purpose (`readonly`, open ended objects,
 * `| undefined`); what is left must be the same type, member by member.
 */
import type * as core from "@modelcontextprotocol/core";
import type * as v1 from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";
import type {
  JsonRpcErrorObject,
  JsonRpcFailure,
  JsonRpcNotification,
  JsonRpcRequest,
  JsonRpcResult,
  ProgressToken,
  RequestId,
} from "./json-rpc.ts";
import type {
  AudioContent,
  BlobResourceContents,
  ContentAnnotations,
  ContentBlock,
  EmbeddedResource,
  Icon,
  ImageContent,
  ResourceLink,
  TextContent,
  TextResourceContents,
} from "./types/content.ts";
import type {
  ElicitFormParams,
  ElicitResult,
  ElicitUrlParams,
  ListRootsResult,
  Root,
  SampleParams,
  SampleResult,
  SamplingMessage,
  ToolResultContent,
  ToolUseContent,
} from "./types/interaction.ts";
import type {
  ClientCapabilities,
  Implementation,
  LogLevel,
  ServerCapabilities,
} from "./types/peers.ts";
import type {
  CallToolResult,
  CompleteResult,
  CompletionReference,
  GetPromptResult,
  Prompt,
  PromptArgument,
  PromptMessage,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  Tool,
  ToolAnnotations,
} from "./types/primitives.ts";

type Primitive = string | number | boolean | null | undefined;

type Plain<T> = unknown extends T
  ? unknown
  : T extends Primitive
    ? T
    : T extends readonly (infer Item)[]
      ? Plain<Item>[]
      : [keyof T] extends [never]
        ? // biome-ignore lint/complexity/noBannedTypes: what `object` and open dictionaries come to
          {}
        : { -readonly [Key in keyof T as Stated<Key>]: Plain<Exclude<T[Key], undefined>> };

/** A named member. `_meta` is an open dictionary for us, whose reserved keys the SDKs spell out. */
type Stated<Key> = string extends Key
  ? never
  : number extends Key
    ? never
    : Key extends "_meta"
      ? never
      : Key;

type Same<Left, Right> =
  (<T>() => T extends Plain<Left> ? 1 : 2) extends <T>() => T extends Plain<Right> ? 1 : 2
    ? true
    : false;

type Expect<Verdict extends true> = Verdict;

/** The same in both SDKs. */
type Both<Ours, V1, V2 extends z.ZodType> =
  Same<Ours, V1> extends true ? Same<Ours, z.infer<V2>> : false;

/** An SDK type with the members that differ on purpose replaced, or dropped. */
type Changed<Sdk, Changes, Dropped extends string = never> = Omit<
  Plain<Sdk>,
  keyof Changes | Dropped
> &
  Changes;

/** What must be the same, and is. */
export type Equal = [
  Expect<Both<RequestId, v1.RequestId, typeof core.RequestIdSchema>>,
  Expect<Both<ProgressToken, v1.ProgressToken, typeof core.ProgressTokenSchema>>,
  Expect<Both<JsonRpcRequest, v1.JSONRPCRequest, typeof core.JSONRPCRequestSchema>>,
  Expect<Both<JsonRpcNotification, v1.JSONRPCNotification, typeof core.JSONRPCNotificationSchema>>,
  Expect<Both<JsonRpcResult, v1.JSONRPCResultResponse, typeof core.JSONRPCResultResponseSchema>>,
  Expect<Both<JsonRpcFailure, v1.JSONRPCErrorResponse, typeof core.JSONRPCErrorResponseSchema>>,
  Expect<Same<JsonRpcErrorObject, v1.JSONRPCErrorResponse["error"]>>,
  Expect<Both<ContentAnnotations, v1.Annotations, typeof core.AnnotationsSchema>>,
  Expect<Both<Icon, v1.Icon, typeof core.IconSchema>>,
  Expect<Both<TextContent, v1.TextContent, typeof core.TextContentSchema>>,
  Expect<Both<ImageContent, v1.ImageContent, typeof core.ImageContentSchema>>,
  Expect<Both<AudioContent, v1.AudioContent, typeof core.AudioContentSchema>>,
  Expect<
    Both<TextResourceContents, v1.TextResourceContents, typeof core.TextResourceContentsSchema>
  >,
  Expect<
    Both<BlobResourceContents, v1.BlobResourceContents, typeof core.BlobResourceContentsSchema>
  >,
  Expect<Both<EmbeddedResource, v1.EmbeddedResource, typeof core.EmbeddedResourceSchema>>,
  Expect<Both<ResourceLink, v1.ResourceLink, typeof core.ResourceLinkSchema>>,
  Expect<Both<ContentBlock, v1.ContentBlock, typeof core.ContentBlockSchema>>,
  Expect<Both<ToolUseContent, v1.ToolUseContent, typeof core.ToolUseContentSchema>>,
  Expect<Both<Implementation, v1.Implementation, typeof core.ImplementationSchema>>,
  Expect<Both<LogLevel, v1.LoggingLevel, typeof core.LoggingLevelSchema>>,
  Expect<Both<ToolAnnotations, v1.ToolAnnotations, typeof core.ToolAnnotationsSchema>>,
  Expect<Both<PromptMessage, v1.PromptMessage, typeof core.PromptMessageSchema>>,
  Expect<Both<GetPromptResult, v1.GetPromptResult, typeof core.GetPromptResultSchema>>,
  Expect<Both<Resource, v1.Resource, typeof core.ResourceSchema>>,
  Expect<Both<ResourceTemplate, v1.ResourceTemplate, typeof core.ResourceTemplateSchema>>,
  Expect<Both<ReadResourceResult, v1.ReadResourceResult, typeof core.ReadResourceResultSchema>>,
  Expect<Both<CompleteResult, v1.CompleteResult, typeof core.CompleteResultSchema>>,
  Expect<Both<ElicitResult, v1.ElicitResult, typeof core.ElicitResultSchema>>,
  Expect<Both<Root, v1.Root, typeof core.RootSchema>>,
  Expect<Both<ListRootsResult, v1.ListRootsResult, typeof core.ListRootsResultSchema>>,
];

type V2<Schema extends z.ZodType> = z.infer<Schema>;
type AnySchema = Record<string, unknown>;

/** `structuredContent` is any JSON since 2026-07-28; v1 knows the objects of 2025-11-25. */
export type StructuredContent = [
  Expect<Same<CallToolResult, Changed<v1.CallToolResult, { structuredContent?: unknown }>>>,
  Expect<Same<CallToolResult, V2<typeof core.CallToolResultSchema>>>,
  Expect<Same<ToolResultContent, Changed<v1.ToolResultContent, { structuredContent?: unknown }>>>,
  Expect<Same<ToolResultContent, V2<typeof core.ToolResultContentSchema>>>,
  // These hold a tool result, so only v2 can be the same.
  Expect<Same<SamplingMessage, V2<typeof core.SamplingMessageSchema>>>,
  Expect<Same<SampleResult, V2<typeof core.CreateMessageResultWithToolsSchema>>>,
];

/**
 * A JSON Schema is any object: the SDKs type the root's `type`, `properties` and `required`, which
 * `compileSchema` checks when a tool is registered. `execution` belongs to tasks, which are not offered.
 */
export type Schemas = [
  Expect<
    Same<Tool, Changed<v1.Tool, { inputSchema: AnySchema; outputSchema?: AnySchema }, "execution">>
  >,
  Expect<
    Same<
      Tool,
      Changed<
        V2<typeof core.ToolSchema>,
        { inputSchema: AnySchema; outputSchema?: AnySchema },
        "execution"
      >
    >
  >,
];

/**
 * `requestedSchema` likewise. `task` belongs to tasks. `elicitationId` is optional because 2026-07-28 has
 * none; a server sets it in 2025-11-25.
 */
export type Asks = [
  Expect<
    Same<
      ElicitFormParams,
      Changed<v1.ElicitRequestFormParams, { requestedSchema: AnySchema }, "task">
    >
  >,
  Expect<
    Same<
      ElicitFormParams,
      Changed<V2<typeof core.ElicitRequestFormParamsSchema>, { requestedSchema: AnySchema }, "task">
    >
  >,
  Expect<
    Same<ElicitUrlParams, Changed<v1.ElicitRequestURLParams, { elicitationId?: string }, "task">>
  >,
  Expect<
    Same<
      ElicitUrlParams,
      Changed<V2<typeof core.ElicitRequestURLParamsSchema>, { elicitationId?: string }, "task">
    >
  >,
  // `tools` is a list of `Tool`, compared above.
  Expect<
    Same<
      Omit<SampleParams, "tools">,
      Changed<V2<typeof core.CreateMessageRequestParamsSchema>, object, "task" | "tools">
    >
  >,
];

/**
 * Both schemas of the specification give prompt arguments and prompt references a `title` (BaseMetadata);
 * the SDKs have lost it.
 */
export type Titles = [
  Expect<Same<PromptArgument, Changed<v1.PromptArgument, { title?: string }>>>,
  Expect<Same<PromptArgument, Changed<V2<typeof core.PromptArgumentSchema>, { title?: string }>>>,
  Expect<Same<Omit<Prompt, "arguments">, Omit<v1.Prompt, "arguments">>>,
  Expect<Same<Omit<Prompt, "arguments">, Omit<V2<typeof core.PromptSchema>, "arguments">>>,
  Expect<
    Same<
      CompletionReference,
      Changed<v1.PromptReference, { title?: string }> | v1.ResourceTemplateReference
    >
  >,
];

interface Elicitation {
  form?: object;
  url?: object;
}

/**
 * `tasks` is kept as an open object, so that what a legacy client declares is not lost, and is never
 * declared by us. `applyDefaults` is the SDK's own member of `elicitation.form`.
 */
export type Capabilities = [
  Expect<
    Same<
      ClientCapabilities,
      Changed<v1.ClientCapabilities, { elicitation?: Elicitation; tasks?: object }>
    >
  >,
  Expect<
    Same<
      ClientCapabilities,
      Changed<
        V2<typeof core.ClientCapabilitiesSchema>,
        { elicitation?: Elicitation; tasks?: object }
      >
    >
  >,
  Expect<Same<ServerCapabilities, Changed<v1.ServerCapabilities, object, "tasks">>>,
  Expect<
    Same<ServerCapabilities, Changed<V2<typeof core.ServerCapabilitiesSchema>, object, "tasks">>
  >,
];

/** That `Same` can tell: a missing, an extra, an optional and a wider member are all seen. */
export type Planted = [
  // @ts-expect-error a member is missing
  Expect<Same<Omit<Tool, "title">, Tool>>,
  // @ts-expect-error a member is new
  Expect<Same<Tool & { extra?: string }, Tool>>,
  // @ts-expect-error a member is optional on one side
  Expect<Same<{ a?: string }, { a: string }>>,
  // @ts-expect-error a member is wider on one side
  Expect<Same<{ a: { b: (string | number)[] } }, { a: { b: string[] } }>>,
];
