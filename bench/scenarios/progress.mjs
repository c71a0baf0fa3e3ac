import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

export const scenario = {
  id: "progress",
  title: "Event stream with ten progress messages",
  about:
    "Ten `notifications/progress` and the result. The bare server writes the same eleven events.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1", "tmcp", "fastmcp"],
  run: ({ selected, ...context }) => {
    const entries = selected.map((id) =>
      entry(id, { tool: "count", ...(id === "bare" ? { file: "bare-sse.mjs" } : {}) }),
    );
    return measureHttp({ ...context, entries });
  },
};
