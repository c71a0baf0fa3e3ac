import type { ContentAnnotations, ContentBlock, Icon, ResourceContents } from "./content.ts";

/** A JSON Schema document, 2020-12 unless `$schema` says otherwise. */
export type JsonSchema = Record<string, unknown>;

/** Hints about a tool's behaviour; untrusted unless the server is trusted. */
export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** A tool as `tools/list` shows it. */
export interface Tool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations?: ToolAnnotations;
  readonly icons?: readonly Icon[];
  readonly _meta?: Record<string, unknown>;
}

/** What `tools/call` answers. `structuredContent` is any JSON value; 2025 clients see an object. */
export interface CallToolResult {
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly _meta?: Record<string, unknown>;
}

/** An argument of a prompt; a string on the wire. */
export interface PromptArgument {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly required?: boolean;
}

/** A prompt as `prompts/list` shows it. */
export interface Prompt {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly arguments?: readonly PromptArgument[];
  readonly icons?: readonly Icon[];
  readonly _meta?: Record<string, unknown>;
}

/** One message of a prompt. */
export interface PromptMessage {
  readonly role: "user" | "assistant";
  readonly content: ContentBlock;
}

/** What `prompts/get` answers. */
export interface GetPromptResult {
  readonly description?: string;
  readonly messages: readonly PromptMessage[];
  readonly _meta?: Record<string, unknown>;
}

interface ResourceBase {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly annotations?: ContentAnnotations;
  readonly icons?: readonly Icon[];
  readonly _meta?: Record<string, unknown>;
}

/** A resource as `resources/list` shows it. */
export interface Resource extends ResourceBase {
  readonly uri: string;
  /** Bytes, before base64. */
  readonly size?: number;
}

/** A resource template as `resources/templates/list` shows it. */
export interface ResourceTemplate extends ResourceBase {
  /** RFC 6570. */
  readonly uriTemplate: string;
}

/** What `resources/read` answers. */
export interface ReadResourceResult {
  readonly contents: readonly ResourceContents[];
  readonly _meta?: Record<string, unknown>;
}

/** What `completion/complete` answers. */
export interface CompleteResult {
  readonly completion: {
    /** At most 100. */
    readonly values: readonly string[];
    readonly total?: number;
    readonly hasMore?: boolean;
  };
  readonly _meta?: Record<string, unknown>;
}

/** What an argument that is being completed belongs to. For a resource template, `uri` is the template. */
export type CompletionReference =
  | { readonly type: "ref/prompt"; readonly name: string; readonly title?: string }
  | { readonly type: "ref/resource"; readonly uri: string };

/** `public` may be shared across principals; `private` may not (spec: server/utilities/caching). */
export type CacheScope = "public" | "private";

/** How long a result may be reused, and by whom; modern revisions only. */
export interface CacheHint {
  /** Milliseconds, an integer of 0 or more. */
  readonly ttlMs: number;
  readonly cacheScope: CacheScope;
}
