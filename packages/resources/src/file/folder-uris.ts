/** Names that Windows gives to devices, with any extension; refused everywhere, so that a folder is alike everywhere. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/iu;
/** On Windows a colon opens another stream of the file, and a dot or blank at the end is dropped. */
const WINDOWS_ALIAS = /:|[. ]$/u;
/** `PATH_MAX` of Linux: what is longer is no path. */
const MAX_PATH_LENGTH = 4_096;
/**
 * Folders below one another that a client may name. Each is compared with the patterns of `ignore`, which costs the
 * square of their number: six thousand, as a URI could hold, are a fifth of a second for each request.
 */
export const MAX_PARTS = 256;

/**
 * Whether one part of a path can be served. U+FFFD stands where a name on disk is no UTF-8, so that the name cannot
 * be said in a URI and be found again.
 */
export function isServableName(name: string): boolean {
  return (
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    !/[/\\\0\uFFFD]/u.test(name) &&
    !DEVICE.test(name) &&
    !(process.platform === "win32" && WINDOWS_ALIAS.test(name))
  );
}

/** The URIs of the files below a folder: the prefix, then the path, each part percent-encoded. */
export class FolderUris {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  uriOf(path: readonly string[]): string {
    return this.prefix + path.map(encodeURIComponent).join("/");
  }

  /**
   * The parts of the path that a URI names, decoded once; undefined for whatever is not below the folder by
   * its text alone: `..` in any spelling, separators inside of a part, absolute paths, null bytes, devices.
   */
  pathOf(uri: string): readonly string[] | undefined {
    if (!uri.startsWith(this.prefix) || uri.length > 3 * MAX_PATH_LENGTH) return undefined;
    return decodePath(uri.slice(this.prefix.length));
  }
}

/** The parts of a path as it stands in a URI. */
export function decodePath(encoded: string): readonly string[] | undefined {
  // A query or a fragment names a part of something, not another file.
  if (/[?#]/.test(encoded)) return undefined;
  try {
    const parts = encoded.split("/", MAX_PARTS + 1);
    if (parts.length > MAX_PARTS) return undefined;
    const path = parts.map(decodeURIComponent);
    // What cannot be encoded again, such as a lone surrogate, cannot come from a URI either.
    path.map(encodeURIComponent);
    return path.every(isServableName) ? path : undefined;
  } catch {
    return undefined;
  }
}
