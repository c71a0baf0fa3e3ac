import { notOffered, type Requirement, section } from "./requirement.ts";

const tasks = notOffered("client/not-offered.test.ts");

/** What revision 2025-11-25 asks of a client beyond the later one; points 15 to 24, letters within. */
export const client20251125: readonly Requirement[] = [
  ...section("basic/lifecycle", [
    ["C25-15a", "MUST", "initialize comes first, and notifications/initialized after its answer."],
    ["C25-15b", "MUST", "Every later request carries the negotiated version in its header."],
  ]),
  ...section("basic/transports", [
    ["C25-16a", "MUST", "The session id is returned on every request."],
    ["C25-16b", "MUST", "A 404 to a session makes the client initialize anew."],
    ["C25-16c", "SHOULD", "The session is ended by DELETE."],
    ["C25-17a", "MUST", "A stream is resumed no sooner than its retry says."],
    ["C25-17b", "MUST", "GET accepts text/event-stream."],
  ]),
  ...section("basic/index", [["C25-18", "MUST NOT", "No request id is used twice in a session."]]),
  ...section("basic/utilities/cancellation", [
    ["C25-19a", "MUST NOT", "initialize is not cancelled."],
    ["C25-19b", "MUST", "The client starts no task, and so cancels none.", tasks],
  ]),
  ...section("client/roots", [
    [
      "C25-20a",
      "MUST",
      "roots/list_changed is sent when roots change if it is declared: it is not declared.",
    ],
  ]),
  ...section("client/elicitation", [
    ["C25-20b", "MUST", "A completion notice with an unknown id is ignored."],
  ]),
  ...section("basic/utilities/tasks", [
    [
      "C25-21",
      "MUST NOT",
      "No request is augmented with a task, whatever the server declares.",
      tasks,
    ],
  ]),
  ...section("client", [
    [
      "C25-22a",
      "MUST",
      "A server's request gets an answer: that of the handler, or an error that says what is not offered.",
    ],
    ["C25-22b", "MUST", "An elicitation in a mode without a handler gets -32602."],
  ]),
  ...section("basic/authorization", [
    [
      "C25-23",
      "MUST",
      "Protected resource metadata, PKCE and the resource parameter are as in the later revision.",
    ],
  ]),
  ...section("schema", [
    ["C25-24", "MUST", "Both sides send requests: equal ids in both directions are not confused."],
  ]),
];
