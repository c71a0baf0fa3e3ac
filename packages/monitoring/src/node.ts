export { type DiskSpaceOptions, diskSpaceCheck } from "./node/disk-space-check.ts";
export {
  type EventLoopDelayOptions,
  eventLoopDelayCheck,
  type HeapOptions,
  heapCheck,
} from "./node/process-checks.ts";
