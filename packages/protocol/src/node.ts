export { createSafeLookup, type LookupAll } from "./node/safe-lookup.ts";
