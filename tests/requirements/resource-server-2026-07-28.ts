import { notOffered, type Requirement, section } from "./requirement.ts";

const elsewhere = notOffered("resource-server.test.ts");

/** What revision 2026-07-28 asks of a server as an OAuth resource server, point by point; points 1 to 12. */
export const resourceServer20260728: readonly Requirement[] = [
  ...section("basic/authorization/authorization-server-discovery", [
    [
      "R26-01",
      "MUST",
      "Metadata of the protected resource names an authorization server (RFC 9728).",
    ],
    [
      "R26-02",
      "MUST",
      "A 401 says where the metadata is, and it is at the well-known URI, with the path and at the root.",
    ],
  ]),
  ...section("basic/authorization/security-considerations", [
    [
      "R26-03",
      "MUST",
      "Every token is validated before any work: signature or introspection, issuer, expiry, and that it is meant for this server.",
    ],
    ["R26-04", "MUST NOT", "Other tokens are not taken, and none is passed on."],
  ]),
  ...section("basic/authorization/index", [
    [
      "R26-05",
      "MUST",
      "401 answers a missing or invalid token, 403 one without enough scope, 400 a malformed request.",
    ],
    [
      "R26-06",
      "SHOULD",
      "A 403 names insufficient_scope, every scope that is needed and the metadata.",
    ],
    ["R26-07", "MUST", "Scopes that include others are accounted for."],
    ["R26-08", "SHOULD", "offline_access stands neither in challenges nor in scopes_supported."],
  ]),
  ...section("basic/authorization/security-considerations", [
    ["R26-09", "MUST", "Tokens are kept safe, and authorization servers are asked by https."],
    [
      "R26-10",
      "MUST",
      "A proxy with a client id of its own asks each user for consent per client before it forwards.",
      elsewhere,
    ],
  ]),
  ...section("basic/authorization/index", [
    ["R26-11", "SHOULD", "Over stdio credentials come from the environment."],
    [
      "R26-12",
      "MUST",
      "An authorization server that is shipped along follows OAuth 2.1 and publishes its metadata.",
      elsewhere,
    ],
  ]),
];
