import { notOffered, type Requirement, section } from "./requirement.ts";

/** What revision 2025-11-25 asks of a server beyond, or other than, 2026-07-28. */
export const server20251125: readonly Requirement[] = [
  ...section("basic/lifecycle", [
    ["S25-01a", "MUST", "Initialization comes first: before it, only ping is served."],
    ["S25-01b", "MUST", "A supported protocol version is echoed by initialize."],
    ["S25-01c", "MUST", "An unsupported protocol version is answered with a supported one."],
    [
      "S25-02",
      "MUST",
      "Only what was negotiated is used: version and capabilities hold for the session.",
    ],
  ]),
  ...section("basic/transports", [
    ["S25-03", "MUST", "The path takes POST, and GET with an event stream or 405."],
    ["S25-04", "MUST", "A response or notification that is accepted gets 202 without a body."],
    ["S25-05a", "MUST", "A session id is visible ASCII, and no two are alike."],
    ["S25-05b", "MUST", "A session that has ended is HTTP 404."],
    ["S25-05c", "SHOULD", "A request without a session id is HTTP 400."],
    ["S25-06a", "MUST NOT", "A message is sent on one stream, not on several."],
    [
      "S25-06b",
      "MUST NOT",
      "A GET stream carries no response, unless it resumes a stream that owed it.",
    ],
    ["S25-06c", "MUST", "Event ids are unique in their session."],
    ["S25-06d", "MUST NOT", "Resuming a stream replays no message of another."],
    ["S25-07a", "SHOULD", "An event stream begins with an event id and empty data."],
    ["S25-07b", "SHOULD", "A connection that the server closes early is announced with retry."],
    ["S25-07c", "SHOULD NOT", "A disconnect does not cancel a request."],
    ["S25-08a", "MUST", "A version header that is invalid or unsupported is HTTP 400."],
    ["S25-08b", "SHOULD", "A request without a version header is still served."],
  ]),
  ...section("basic/utilities/ping", [["S25-09", "MUST", "ping is answered at once with {}."]]),
  ...section("client/elicitation", [
    ["S25-10a", "MUST", "A URL elicitation carries an elicitationId."],
    ["S25-10b", "MUST", "A completion notice goes only to the client that was asked."],
    ["S25-10c", "MUST", "Error -32042 lists URL elicitations only."],
    [
      "S25-11",
      "MUST NOT",
      "What was elicited is bound to the principal, not to the session id alone.",
    ],
  ]),
  ...section("basic/utilities/tasks", [
    [
      "S25-12",
      "MUST",
      "Tasks are not offered: no capability declares them, and their methods do not exist.",
      notOffered("protocol/not-offered.test.ts"),
    ],
  ]),
  ...section("basic/utilities/progress", [
    [
      "S25-13",
      "MUST",
      "Progress beyond the response exists for tasks only, which are not offered: it ends with the response.",
      notOffered("protocol/not-offered.test.ts"),
    ],
  ]),
  ...section("schema", [
    [
      "S25-14",
      "MUST NOT",
      "Results carry nothing of the later revision: no resultType, ttlMs or cacheScope, and its methods and codes do not exist.",
    ],
  ]),
  ...section("basic/authorization", [
    [
      "S25-23",
      "MUST",
      "Protected resource metadata, audience validation and challenges are as in the later revision.",
    ],
  ]),
  ...section("server/tools", [
    ["S25-24a", "MUST", "Both sides send requests: equal ids in both directions are not confused."],
    [
      "S25-24b",
      "MUST",
      "Output schemas have an object at their root, and structured content is an object.",
    ],
  ]),
];
