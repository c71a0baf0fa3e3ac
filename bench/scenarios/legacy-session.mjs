import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

export const scenario = {
  id: "legacy-session",
  title: "`tools/call` in 2025-era sessions",
  about:
    "64 sessions take turns. The bare server ignores the session header. " +
    "SDK v2's stock handler keeps no sessions, so its session transport is wired by hand.",
  servers: ["bare", "backplane", "sdk-v2-session", "sdk-v1-session", "tmcp", "fastmcp-session"],
  run: ({ selected, ...context }) => {
    const entries = selected.map((id) => entry(id, { protocol: "session" }));
    return measureHttp({ ...context, entries });
  },
};
