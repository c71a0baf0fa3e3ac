import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

export const scenario = {
  id: "signal",
  title: "A handler that passes its signal on",
  about:
    "The handler hands its `AbortSignal` to work that adds and removes a listener. " +
    "The bare server has no signal and answers as in the plain call.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1", "tmcp", "fastmcp"],
  run: ({ selected, ...context }) => {
    const entries = selected.map((id) => entry(id, { tool: "relay" }));
    return measureHttp({ ...context, entries });
  },
};
