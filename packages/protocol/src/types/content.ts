/** Who content is meant for, how much it matters, when it changed. */
export interface ContentAnnotations {
  readonly audience?: readonly ("user" | "assistant")[];
  /** 0 (optional) to 1 (required). */
  readonly priority?: number;
  /** ISO 8601 time. */
  readonly lastModified?: string;
}

/**
 * An image that represents something in a user interface. Nothing here fetches it: who shows icons fetches them
 * without credentials, from no other scheme, takes care with SVG, which can hold scripts, and supports PNG and
 * JPEG at least (spec: basic/index).
 */
export interface Icon {
  /** `https:` or `data:` URI. */
  readonly src: string;
  readonly mimeType?: string;
  /** `"48x48"`, `"any"`. */
  readonly sizes?: readonly string[];
  readonly theme?: "light" | "dark";
}

interface ContentBase {
  readonly annotations?: ContentAnnotations;
  readonly _meta?: Record<string, unknown>;
}

/** Text for the model or the user. */
export interface TextContent extends ContentBase {
  readonly type: "text";
  readonly text: string;
}

/** An image. */
export interface ImageContent extends ContentBase {
  readonly type: "image";
  /** Base64. */
  readonly data: string;
  readonly mimeType: string;
}

/** A recording; since 2025-03-26. */
export interface AudioContent extends ContentBase {
  readonly type: "audio";
  /** Base64. */
  readonly data: string;
  readonly mimeType: string;
}

/** A resource's contents as text. */
export interface TextResourceContents {
  readonly uri: string;
  readonly mimeType?: string;
  readonly text: string;
  readonly _meta?: Record<string, unknown>;
}

/** A resource's contents as bytes. */
export interface BlobResourceContents {
  readonly uri: string;
  readonly mimeType?: string;
  /** Base64. */
  readonly blob: string;
  readonly _meta?: Record<string, unknown>;
}

/** One part of what `resources/read` answers. */
export type ResourceContents = TextResourceContents | BlobResourceContents;

/** A resource carried within other content. */
export interface EmbeddedResource extends ContentBase {
  readonly type: "resource";
  readonly resource: ResourceContents;
}

/** A resource named instead of carried; since 2025-06-18. */
export interface ResourceLink extends ContentBase {
  readonly type: "resource_link";
  readonly uri: string;
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly size?: number;
  readonly icons?: readonly Icon[];
}

/** One block of a tool's result or of a prompt's message (spec: server/tools). */
export type ContentBlock =
  | TextContent
  | ImageContent
  | AudioContent
  | ResourceLink
  | EmbeddedResource;

/** The `type` member of a content block. */
export type ContentBlockType = ContentBlock["type"];
