import type { ResourceContents } from "@backplane/protocol";
import { toBase64 } from "./internal/to-base64.ts";

/** Bytes by the getter that makes base64 of them: whoever sets the member to something else takes it away. */
const bytesOf = new WeakMap<() => string, Uint8Array>();

/**
 * Contents whose `blob` is made when somebody looks at it. Nobody does when the answer is encoded while it is sent,
 * which then begins with the bytes.
 * @param bytes which must not change any more.
 */
export function withLazyBlob(
  contents: Omit<ResourceContents, "blob" | "text">,
  bytes: Uint8Array,
): ResourceContents {
  let blob: string | undefined;
  const get = (): string => {
    blob ??= toBase64(bytes);
    return blob;
  };
  bytesOf.set(get, bytes);
  return Object.defineProperty(contents, "blob", {
    get,
    // An interceptor may change what it was given, as it may change any other result.
    set(value: unknown) {
      Object.defineProperty(this, "blob", {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    },
    enumerable: true,
    configurable: true,
  }) as ResourceContents;
}

/** The bytes of which `blob` is to be made; undefined for base64 that is there already. */
export function bytesOfBlob(contents: object): Uint8Array | undefined {
  const get = Object.getOwnPropertyDescriptor(contents, "blob")?.get;
  return get && bytesOf.get(get);
}
