import { entry } from "../lib/catalogue.mjs";
import { measureHttp } from "../lib/http-scenario.mjs";

const file = "backplane-auth.mjs";
const withAuth = (credentials, note) =>
  entry("backplane", { file, credentials, suffix: `-${credentials}`, note });

export const scenario = {
  id: "auth-call",
  title: "Plain `tools/call` with authentication, a policy and a limit for each principal",
  about:
    "Sixteen callers take turns. The tool demands a scope, each call is counted, and its limit is never " +
    "reached. Tokens are checked once and remembered.",
  servers: ["bare", "backplane"],
  run: ({ selected, ...context }) => {
    const entries = selected.flatMap((id) =>
      id === "bare"
        ? [entry(id)]
        : [entry(id), withAuth("keys", "API keys"), withAuth("jwt", "cached JSON Web Tokens")],
    );
    return measureHttp({ ...context, entries });
  },
};
