import { isUtf8 } from "node:buffer";
import mime from "mime";
import { isTextType } from "../internal/text-type.ts";

/** What a file holds, as its content and its name say. */
export interface MediaType {
  readonly mimeType: string;
  /** Whether it is UTF-8 and is sent as text. */
  readonly isText: boolean;
}

/** Names of source text that the registry knows as something else, or not at all. */
const SOURCE_TYPES: Readonly<Record<string, string>> = {
  ts: "text/typescript",
  mts: "text/typescript",
  cts: "text/typescript",
  tsx: "text/tsx",
  py: "text/x-python",
  rs: "text/rust",
  go: "text/x-go",
  rb: "text/x-ruby",
  ics: "text/calendar",
};
/** Containers: the name says what is in them. */
const CONTAINERS: ReadonlySet<string> = new Set([
  "application/zip",
  "application/gzip",
  "application/x-cfb",
  "application/xml",
  "application/x-riff",
]);
const BINARY = "application/octet-stream";
/** As much as any signature lies within (`file-type`). */
const SAMPLE_BYTES = 4_100;

/** The type that a name promises; for lists, which open no file. */
export function typeOfName(name: string): string | undefined {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  if (extension === undefined) return undefined;
  return Object.hasOwn(SOURCE_TYPES, extension)
    ? SOURCE_TYPES[extension]
    : (mime.getType(extension) ?? undefined);
}

/**
 * The type of a file that was read: by its signature, else by its name, as far as the content allows it.
 * A name that promises text does not make bytes text, and the other way round.
 */
export async function typeOfContent(name: string, bytes: Uint8Array): Promise<MediaType> {
  const named = typeOfName(name);
  const { fileTypeFromBuffer } = await import("file-type");
  const signature = (await fileTypeFromBuffer(bytes.subarray(0, SAMPLE_BYTES)))?.mime;
  const isText =
    (signature === undefined || isTextType(signature)) && isUtf8(bytes) && !bytes.includes(0);
  if (isText)
    return { isText, mimeType: named !== undefined && isTextType(named) ? named : "text/plain" };
  if (signature !== undefined && !CONTAINERS.has(signature)) return { isText, mimeType: signature };
  const promised = named !== undefined && !isTextType(named) ? named : undefined;
  return { isText, mimeType: promised ?? signature ?? BINARY };
}
