export type { FileResourceProviderOptions } from "./file/file-options.ts";
export { FileResourceProvider } from "./file/file-provider.ts";
export type { HttpResource, HttpResourceProviderOptions } from "./http/http-options.ts";
export { HttpResourceProvider } from "./http/http-provider.ts";
