import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

export const scenario = {
  id: "call",
  title: "Plain `tools/call`, one tool",
  about:
    "One tool that answers with its argument. Servers without 2026-07-28 use the nearest mode.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1", "tmcp", "fastmcp"],
  run: ({ selected, ...context }) =>
    measureHttp({ ...context, entries: selected.map((id) => entry(id)) }),
};
