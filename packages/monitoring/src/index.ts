export { DurationHistogram, type DurationSummary } from "./duration-histogram.ts";
export { observe, type ServerChannel } from "./observe.ts";
