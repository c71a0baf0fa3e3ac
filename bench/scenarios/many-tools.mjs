import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

const COUNTS = [1, 50, 1000];

export const scenario = {
  id: "many-tools",
  title: "`tools/call` with 1, 50 and 1,000 registered tools",
  about: "The same call; only the number of registered tools differs. All sizes in one run.",
  servers: ["bare", "backplane", "sdk-v2", "sdk-v1", "tmcp"],
  run: ({ selected, ...context }) => {
    const entries = selected.flatMap((id) =>
      id === "bare"
        ? [entry(id)]
        : COUNTS.map((tools) => entry(id, { tools, suffix: `@${tools}` })),
    );
    return measureHttp({ ...context, entries });
  },
};
