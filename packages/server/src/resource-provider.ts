import type {
  ContentAnnotations,
  Icon,
  RequestContext,
  Resource,
  ResourceTemplate,
} from "@backplane/protocol";
import type { Completion } from "./completions.ts";

/** What a page of a provider's list is asked for. */
export interface ResourceListRequest {
  /** What the page before gave as `nextCursor`, unchanged; undefined for the first page. Clients may forge it. */
  readonly cursor: string | undefined;
  /** Entries wanted at most, 1 or more. */
  readonly limit: number;
  /** Only URIs that begin with this text; undefined for all. */
  readonly prefix: string | undefined;
}

/** One page of a provider's list. It may hold fewer entries than asked for, even none, and still go on. */
export interface ResourcePage {
  readonly resources: readonly Resource[];
  /** Where the next page begins; undefined after the last. At most 6,000 bytes of UTF-8. */
  readonly nextCursor?: string | undefined;
}

/** The content of one resource. */
export interface ProvidedContents {
  /**
   * Text, bytes, or bytes as they come. A stream is closed when its reader has enough of it. Nothing may write to
   * the bytes any more: large ones are encoded while they are sent.
   */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Default: `text/plain` for text, none for bytes. */
  readonly mimeType?: string | undefined;
  /** Says that bytes or a stream are text and are sent as such; malformed UTF-8 is an error then. */
  readonly encoding?: "utf-8";
  readonly meta?: Record<string, unknown>;
}

/** A resource template, as the list of templates shows it. */
export interface ProvidedTemplate extends Omit<ResourceTemplate, "_meta" | "name"> {
  /** Default: the template. */
  readonly name?: string;
  readonly annotations?: ContentAnnotations;
  readonly icons?: readonly Icon[];
  readonly meta?: Record<string, unknown>;
}

/** What a template's variable is to be completed with. */
export interface TemplateCompletionRequest {
  readonly uriTemplate: string;
  readonly variable: string;
  /** What the user has typed so far. */
  readonly value: string;
  /** Variables already chosen, by name. */
  readonly chosen: Readonly<Record<string, string>>;
}

/** Ends a watch. Idempotent. */
export type StopWatching = () => void | Promise<void>;

/**
 * A source of resources: a folder, a database, a web site. `MCPServer.addResourceProvider` serves it beside
 * what `MCPServer.resource` registered, in one list, under the same policy; the suite `./test-suite` holds the contract.
 *
 * A provider sees no credential and decides nothing about who may: that is the policy's part, by the scopes,
 * roles and tags that the provider was added with. What a method throws is masked like any error of a
 * handler; an `MCPError` reaches the client.
 */
export interface ResourceProvider {
  /** Unique at a server, and the same in every replica: cursors hold it. 1 to 64 letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  /**
   * The one spelling of a URI by which policy, watches and reads know the resource; undefined for a URI that
   * is not this provider's. Must do no I/O and never throw, whatever a client sends. Two URIs that lead to
   * the same thing must have one spelling, or a rule of the policy could be walked around.
   */
  locate(uri: string): string | undefined;
  /** A page of what there is, in an order that changes nothing about what was listed already. */
  list(request: ResourceListRequest, context: RequestContext): Promise<ResourcePage>;
  /** @param uri a spelling that `locate` gave. Undefined means that there is no such resource. */
  read(uri: string, context: RequestContext): Promise<ProvidedContents | undefined>;
  /** Templates of the URIs that `locate` knows; asked once, when the provider is added. Default none. */
  templates?(): readonly ProvidedTemplate[];
  /** Values for a variable of one of the templates. Default none. */
  complete?(request: TemplateCompletionRequest, context: RequestContext): Promise<Completion>;
  /**
   * Watches one resource, which need not exist, until it is stopped; resolves once changes from now on are
   * noticed. `onChange` may be called too often, never too rarely: when changes may have been missed, it is
   * called. Begun with the first subscriber of a URI, ended with the last. Absent: nothing is watched.
   */
  watch?(uri: string, onChange: () => void): Promise<StopWatching>;
  /** The same for what the list holds. */
  watchList?(onChange: () => void): Promise<StopWatching>;
}
