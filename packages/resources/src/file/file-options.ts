import { statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkBoolean, checkMembers, wholeNumber } from "@backplane/protocol";
import picomatch from "picomatch";
import { checkUriPrefix } from "../internal/uri.ts";
import { MAX_PARTS } from "./folder-uris.ts";

/** What `new FileResourceProvider` takes beside the folder. */
export interface FileResourceProviderOptions {
  /** Unique at a server. Default `files`. */
  readonly name?: string;
  /** What the URIs of its files begin with, up to and with a `/`. Default: the folder as a `file:` URL. */
  readonly uriPrefix?: string;
  /**
   * Glob patterns, relative to the folder, of what is neither listed nor read nor watched. Replaces the default, which hides
   * whatever begins with a dot: any name of `.*`.
   */
  readonly ignore?: readonly string[];
  /** Bytes of a file at most; a larger one is refused before it is read. A whole number of 1 or more. Default 10 MiB. */
  readonly maxBytes?: number;
  /**
   * Refuses files that have more than one name. A hard link to a file outside of the folder cannot be told
   * from the file, so where others may write into the folder, set this. Default false.
   */
  readonly rejectMultiplyLinked?: boolean;
  /** Folders below one another at most in the list, a whole number of 1 to 255. Default 32. */
  readonly maxDepth?: number;
  /**
   * Entries of folders that are looked at for one page of the list at most; then the page is sent as it is,
   * and the list goes on. One folder is always read to its end. A whole number of 1 or more. Default 1,000,000.
   */
  readonly maxScanned?: number;
  /** Folders that are watched for changes of the list at most, a whole number of 1 or more. Default 10,000. */
  readonly maxWatchedFolders?: number;
}

/** {@link FileResourceProviderOptions}, complete. */
export interface FileSettings {
  readonly root: string;
  readonly name: string;
  readonly uriPrefix: string;
  /** Whether a path, or a folder above it, matches the patterns. */
  readonly isIgnored: (path: readonly string[]) => boolean;
  readonly maxBytes: number;
  readonly rejectMultiplyLinked: boolean;
  readonly maxDepth: number;
  readonly maxScanned: number;
  readonly maxWatchedFolders: number;
}

const SUBJECT = "FileResourceProvider";
const HIDDEN: readonly string[] = ["**/.*"];
const KNOWN: readonly string[] = [
  "name",
  "uriPrefix",
  "ignore",
  "maxBytes",
  "rejectMultiplyLinked",
  "maxDepth",
  "maxScanned",
  "maxWatchedFolders",
] satisfies (keyof FileResourceProviderOptions)[];

/** @throws {TypeError} that names the option, or the folder that is none. */
export function resolveFileOptions(
  folder: string,
  options: FileResourceProviderOptions,
): FileSettings {
  checkMembers(SUBJECT, options, KNOWN);
  if (typeof folder !== "string" || folder === "" || folder.includes("\0")) {
    throw new TypeError(`${SUBJECT}: the first argument must be the path of a folder`);
  }
  const root = resolve(folder);
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new TypeError(`${SUBJECT}: "${folder}" is no folder`);
  }
  const fileUrl = pathToFileURL(root).href;
  const given = options.uriPrefix ?? (fileUrl.endsWith("/") ? fileUrl : `${fileUrl}/`);
  const uriPrefix = checkUriPrefix(SUBJECT, given);
  if (!uriPrefix.endsWith("/")) {
    throw new TypeError(
      `${SUBJECT}: option "uriPrefix" must end with "/", such as "docs://manual/"`,
    );
  }
  const { rejectMultiplyLinked = false, ignore = HIDDEN } = options;
  checkBoolean(SUBJECT, "rejectMultiplyLinked", rejectMultiplyLinked);
  if (!Array.isArray(ignore) || !ignore.every((glob) => typeof glob === "string" && glob !== "")) {
    throw new TypeError(`${SUBJECT}: option "ignore" must be a list of glob patterns`);
  }
  const number = (
    option: "maxBytes" | "maxDepth" | "maxScanned" | "maxWatchedFolders",
    fallback: number,
  ): number => wholeNumber(SUBJECT, option, options[option] ?? fallback);
  const maxDepth = number("maxDepth", 32);
  if (maxDepth >= MAX_PARTS) {
    throw new TypeError(`${SUBJECT}: option "maxDepth" must be at most ${MAX_PARTS - 1}`);
  }
  return {
    root,
    name: options.name ?? "files",
    uriPrefix,
    isIgnored: compileIgnore(ignore),
    maxBytes: number("maxBytes", 10 * 1024 * 1024),
    rejectMultiplyLinked,
    maxDepth,
    maxScanned: number("maxScanned", 1_000_000),
    maxWatchedFolders: number("maxWatchedFolders", 10_000),
  };
}

/** A pattern that matches a folder hides what is in it. */
function compileIgnore(globs: readonly string[]): (path: readonly string[]) => boolean {
  if (globs.length === 0) return () => false;
  const matches = picomatch([...globs], { dot: true });
  return (path) => path.some((_, index) => matches(path.slice(0, index + 1).join("/")));
}
