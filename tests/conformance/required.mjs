import { scoredScenarios } from "@backplane/testing/conformance";

const clientExtensions = [
  "auth/client-credentials-jwt",
  "auth/client-credentials-basic",
  "auth/enterprise-managed-authorization",
  "auth/dpop",
  "auth/dpop-nonce",
  "auth/wif-jwt-bearer",
  "json-schema-2020-12-preservation",
];

/**
 * Scenarios that the suite runs without scoring and that we require all the same: "pending" means
 * only that the suite's own fixture cannot pass them, and "extension" that a client may leave it out.
 */
const alsoRequired = {
  server: {
    "2025-11-25": ["server-session-lifecycle", "json-schema-2020-12", "server-sse-polling"],
    "2026-07-28": [
      "json-schema-2020-12",
      "http-header-validation",
      "http-custom-header-server-validation",
    ],
  },
  client: {
    "2025-11-25": clientExtensions,
    "2026-07-28": clientExtensions,
  },
};

/** The revisions that the suite scores; one run each. */
export const revisions = ["2025-11-25", "2026-07-28"];

/** The two legs of the suite: a server under test, a client under test. */
export const legs = ["server", "client"];

/** Scored scenarios of a revision and the unscored ones that we require too. */
export function requiredScenarios(requirementsYaml, leg, revision) {
  const scored = scoredScenarios(requirementsYaml, leg);
  const extra = alsoRequired[leg][revision].filter((name) => !scored.includes(name));
  return { scored, extra };
}
