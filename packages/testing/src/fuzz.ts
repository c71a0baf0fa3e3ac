export {
  type FuzzFinding,
  type FuzzFindingKind,
  type FuzzOptions,
  type FuzzReport,
  formatFuzzReport,
  fuzzTools,
} from "./fuzz/fuzz-tools.ts";
export { schemaArbitrary, UnmakeableSchemaError } from "./fuzz/schema-arbitrary.ts";
