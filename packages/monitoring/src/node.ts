export { type AuditFileOptions, auditFile, auditFiles } from "./node/audit-file.ts";
export { type DiskSpaceOptions, diskSpaceCheck } from "./node/disk-space-check.ts";
export {
  type EventLoopDelayOptions,
  eventLoopDelayCheck,
  type HeapOptions,
  heapCheck,
} from "./node/process-checks.ts";
export { verifyAuditFiles } from "./node/verify-audit-files.ts";
