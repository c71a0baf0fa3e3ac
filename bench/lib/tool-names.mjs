// The tools that scenarios call; `lib/workload.mjs` registers them.

export const calledTools = { echo: "echo", relay: "relay", count: "count" };
