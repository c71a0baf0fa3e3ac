import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

const COUNTS = [1, 1000];
const withPolicy = {
  file: "backplane-auth.mjs",
  credentials: "keys",
  note: "API keys, policy and limit",
};

export const scenario = {
  id: "auth-many-tools",
  title: "`tools/call` under a policy with 1 and 1,000 registered tools",
  about: "The same call; every tool demands a scope, and only the number of tools differs.",
  servers: ["bare", "backplane"],
  run: ({ selected, ...context }) => {
    const entries = selected.flatMap((id) =>
      id === "bare"
        ? [entry(id)]
        : COUNTS.map((tools) => entry(id, { ...withPolicy, tools, suffix: `@${tools}` })),
    );
    return measureHttp({ ...context, entries });
  },
};
