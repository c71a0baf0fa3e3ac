import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

const TOOLS = 50;

export const scenario = {
  id: "tools-list",
  title: "`tools/list` with 50 tools",
  about: "The whole list in one page. The bare server stringifies the same list for every answer.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1", "tmcp", "fastmcp"],
  run: ({ selected, ...context }) => {
    const entries = selected.map((id) => entry(id, { tools: TOOLS }));
    return measureHttp({ ...context, method: "tools/list", entries });
  },
};
