import { hostDuty, type Requirement, section } from "./requirement.ts";

const tokenStore = "packages/auth/src/client/token-store.ts";

/** What revision 2026-07-28 asks of an OAuth client, point by point; points 1 to 18, letters within. */
export const clientAuth20260728: readonly Requirement[] = [
  ...section("basic/authorization/authorization-server-discovery", [
    [
      "A26-01",
      "MUST",
      "The metadata of the resource is read where the challenge says, else at the well-known URI with the path, else at the root.",
    ],
    [
      "A26-02",
      "MUST",
      "Metadata of the authorization server is tried in order: for an issuer with a path OAuth and OpenID inserted, then OpenID appended; without a path OAuth, then OpenID.",
    ],
    [
      "A26-03",
      "MUST NOT",
      "Metadata whose issuer is not identical to the identifier it was found by is not used.",
    ],
    [
      "A26-04",
      "MUST",
      "Registrations and tokens are kept by issuer, never used at another, and made anew when the authorization server changes; a client registered by hand elsewhere is an error.",
    ],
  ]),
  ...section("basic/authorization/client-registration", [
    [
      "A26-05",
      "SHOULD",
      "A client id comes from registration by hand, else from a metadata document, else from dynamic registration, else the user is told.",
    ],
    [
      "A26-06",
      "MUST",
      "A metadata document stands at an https URL with a path, which is the client id, and names the client and its redirect URIs.",
    ],
    ["A26-07", "MUST", "A registration says its application_type, and its refusal is coped with."],
  ]),
  ...section("basic/authorization/index", [
    [
      "A26-08",
      "MUST",
      "The iss of the redirect is compared as it is with the issuer recorded before; when it is advertised and absent, or different, nothing of the redirect is acted on or shown.",
    ],
  ]),
  ...section("basic/authorization/security-considerations", [
    [
      "A26-09",
      "MUST",
      "PKCE with S256 is used, and an authorization server that does not advertise it is refused.",
    ],
  ]),
  ...section("basic/authorization/index", [
    [
      "A26-10",
      "MUST",
      "The resource stands in authorization and token requests, as it was published.",
    ],
    ["A26-11", "MUST", "Every request carries the token in its header, and none in its URL."],
    ["A26-12", "MUST NOT", "A server never gets a token that was issued for another one."],
    [
      "A26-13",
      "MUST",
      "The scopes of a challenge are authoritative; first are asked those of the challenge, else those that the metadata lists, else none.",
    ],
    [
      "A26-14",
      "SHOULD",
      "Wider scopes are asked for together with those there were, a bounded number of times.",
    ],
    ["A26-15a", "MUST", "Refresh tokens are shown to nobody but their authorization server."],
    ["A26-15b", "MUST NOT", "That a refresh token is issued is not assumed."],
    ["A26-15c", "MUST NOT", "offline_access is asked for only where it is offered."],
  ]),
  ...section("basic/authorization/security-considerations", [
    ["A26-16a", "MUST", "Redirect URIs are https or lead to this machine, and are registered."],
    ["A26-16b", "SHOULD", "The state is random, and a redirect with another one is refused."],
  ]),
  ...section("basic/authorization/authorization-server-discovery", [
    ["A26-17", "MUST", "WWW-Authenticate headers are parsed, and a 401 is reacted to."],
  ]),
  ...section("basic/authorization/security-considerations", [
    [
      "A26-18",
      "MUST",
      "Tokens are stored securely.",
      hostDuty(tokenStore, "TokenStore", "must protect what it holds"),
    ],
  ]),
];
