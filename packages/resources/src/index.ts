export {
  CompositeResourceProvider,
  type CompositeResourceProviderOptions,
  type Mount,
} from "./composite-provider.ts";
export {
  type MemoryResourceOptions,
  MemoryResourceProvider,
  type MemoryResourceProviderOptions,
} from "./memory-provider.ts";
