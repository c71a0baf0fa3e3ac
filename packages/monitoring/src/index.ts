export { DurationHistogram, type DurationSummary } from "./duration-histogram.ts";
