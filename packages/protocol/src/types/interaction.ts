import type { AudioContent, ContentBlock, ImageContent, TextContent } from "./content.ts";
import type { JsonSchema, Tool } from "./primitives.ts";

/** A form asked of the user: a flat object of primitives (spec: client/elicitation). */
export interface ElicitFormParams {
  readonly mode?: "form";
  readonly message: string;
  readonly requestedSchema: JsonSchema;
  readonly _meta?: Record<string, unknown>;
}

/** A URL that the user is asked to open; `elicitationId` exists in 2025-11-25 only. */
export interface ElicitUrlParams {
  readonly mode: "url";
  readonly message: string;
  readonly url: string;
  readonly elicitationId?: string;
  readonly _meta?: Record<string, unknown>;
}

/** The params of `elicitation/create`. */
export type ElicitParams = ElicitFormParams | ElicitUrlParams;

/** Decline and cancel are ordinary outcomes, not errors. */
export interface ElicitResult<Content = Record<string, unknown>> {
  readonly action: "accept" | "decline" | "cancel";
  /** Present on an accepted form. */
  readonly content?: Content;
  readonly _meta?: Record<string, unknown>;
}

/** The model's wish to use a tool that was offered to it; since 2025-11-25. */
export interface ToolUseContent {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  readonly input: Record<string, unknown>;
  readonly _meta?: Record<string, unknown>;
}

/** What that tool answered, given back to the model; since 2025-11-25. */
export interface ToolResultContent {
  readonly type: "tool_result";
  readonly toolUseId: string;
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly _meta?: Record<string, unknown>;
}

/** One block of a sampled message. */
export type SamplingContent =
  | TextContent
  | ImageContent
  | AudioContent
  | ToolUseContent
  | ToolResultContent;

/** One turn of the conversation that the client's model continues. */
export interface SamplingMessage {
  readonly role: "user" | "assistant";
  readonly content: SamplingContent | readonly SamplingContent[];
  readonly _meta?: Record<string, unknown>;
}

/** The params of `sampling/createMessage` (spec: client/sampling). */
export interface SampleParams {
  /**
   * Each `tool_use` is answered, in the next user message, by a `tool_result` for it and nothing but tool
   * results (spec: client/sampling); anything else is refused before the client is asked.
   */
  readonly messages: readonly SamplingMessage[];
  readonly maxTokens: number;
  readonly systemPrompt?: string;
  readonly temperature?: number;
  readonly stopSequences?: readonly string[];
  readonly modelPreferences?: {
    readonly hints?: readonly { readonly name?: string }[];
    readonly costPriority?: number;
    readonly speedPriority?: number;
    readonly intelligencePriority?: number;
  };
  readonly includeContext?: "none" | "thisServer" | "allServers";
  readonly metadata?: Record<string, unknown>;
  /** Needs the client's `sampling.tools` capability. */
  readonly tools?: readonly Tool[];
  readonly toolChoice?: { readonly mode?: "auto" | "required" | "none" };
  readonly _meta?: Record<string, unknown>;
}

/** What the client's model said. */
export interface SampleResult {
  readonly role: "user" | "assistant";
  readonly content: SamplingContent | readonly SamplingContent[];
  readonly model: string;
  readonly stopReason?: string;
  readonly _meta?: Record<string, unknown>;
}

/** A folder or file that the client lets the server work on (spec: client/roots). */
export interface Root {
  /** `file://` URI. */
  readonly uri: string;
  readonly name?: string;
  readonly _meta?: Record<string, unknown>;
}

/** What `roots/list` answers. */
export interface ListRootsResult {
  readonly roots: readonly Root[];
  readonly _meta?: Record<string, unknown>;
}
