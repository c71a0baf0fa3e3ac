import { hostDuty, notOffered, type Requirement, section } from "./requirement.ts";

const context = "packages/protocol/src/context.ts";
const transport = "packages/protocol/src/transport.ts";

/** What revision 2026-07-28 asks of a server, point by point; points 1 to 52, letters within. */
export const server20260728: readonly Requirement[] = [
  ...section("basic/index", [
    ["S26-01a", "MUST", "A response repeats the id of its request, with its JSON type."],
    ["S26-01b", "MUST", "A successful response holds a result, and the result a resultType."],
    ["S26-01c", "MUST", "A failed response holds an error with an integer code and a message."],
    ["S26-02a", "MUST NOT", "A notification is never answered with a message."],
    ["S26-02b", "MUST NOT", "A null id is neither accepted nor sent."],
    [
      "S26-03a",
      "MUST NOT",
      "Version, identity and capabilities are read from the request itself, never remembered from an earlier one on the connection.",
    ],
    [
      "S26-03b",
      "MUST",
      "State that spans requests travels as an explicit value: the server makes no session.",
    ],
    ["S26-04", "MUST", "A request without a required _meta field gets -32602 and HTTP 400."],
    [
      "S26-05",
      "MUST",
      "An operation that needs an undeclared client capability gets -32021 with that capability in data, and HTTP 400.",
    ],
    [
      "S26-06a",
      "MUST NOT",
      "No code is sent from -32020 to -32099 that the specification does not define, nor -32002 or -32042.",
    ],
    ["S26-06b", "MUST NOT", "The server's own conditions have codes outside -32768 to -32000."],
    ["S26-07a", "MUST", "Schemas without a dialect are JSON Schema 2020-12, all of it."],
    [
      "S26-07b",
      "MUST",
      "A schema of an unsupported dialect is refused with an error that says so.",
    ],
    ["S26-07c", "MUST NOT", "A schema reference to the network is not fetched."],
  ]),
  ...section("basic/patterns/subscriptions", [
    [
      "S26-08",
      "MUST",
      "Every notification of a subscription carries the id of its listen request, with its JSON type.",
    ],
  ]),
  ...section("basic/versioning", [
    [
      "S26-09",
      "MUST",
      "A version that is not implemented gets -32022 with the supported versions and the requested one.",
    ],
  ]),
  ...section("server/discover", [
    [
      "S26-10",
      "MUST",
      "server/discover answers with the supported versions, the capabilities and the identity of the server.",
    ],
  ]),
  ...section("basic/versioning", [
    [
      "S26-11a",
      "MUST",
      "No extension is offered: none is declared, a client that declares one gets core behaviour, and the methods of extensions do not exist.",
      notOffered("protocol/not-offered.test.ts"),
    ],
    [
      "S26-11b",
      "MUST",
      "The server's own _meta keys have a prefix that is well formed and not reserved.",
    ],
  ]),
  ...section("basic/patterns/mrtr", [
    [
      "S26-12",
      "MUST NOT",
      "The server sends no JSON-RPC request on any transport; what it asks of the client it asks in an input_required result.",
    ],
  ]),
  ...section("basic/transports/index", [
    ["S26-13a", "MUST", "Messages are UTF-8 on every transport."],
    [
      "S26-13b",
      "MUST",
      "A transport of one's own keeps the JSON-RPC format and the directions of messages.",
      hostDuty(transport, "MessageTransport", "one JSON-RPC message per text"),
    ],
  ]),
  ...section("basic/transports/stdio", [
    [
      "S26-14a",
      "MUST NOT",
      "Nothing but messages reaches stdout, whatever a handler prints, and no message holds a newline.",
    ],
    ["S26-14b", "SHOULD", "The process ends when its stdin ends."],
  ]),
  ...section("basic/transports/streamable-http", [
    ["S26-15", "MUST", "One path takes the POST of every message."],
    ["S26-16a", "MUST", "A present and foreign Origin is refused with HTTP 403."],
    ["S26-16b", "SHOULD", "A server that is told no address binds the loopback interface only."],
    [
      "S26-17",
      "MUST",
      "An accepted notification gets 202 and no body, one that cannot be accepted an HTTP error.",
    ],
    [
      "S26-18",
      "MUST",
      "A request is answered with JSON, or with an event stream that holds only what belongs to it.",
    ],
    [
      "S26-19",
      "MUST",
      "A client that closes the response stream has cancelled its request; nothing more is sent for it.",
    ],
    [
      "S26-20a",
      "MUST",
      "The version header equals the version in _meta, else -32020 and HTTP 400.",
    ],
    ["S26-20b", "MUST", "A version that is not implemented is HTTP 400 with -32022."],
    ["S26-20c", "MUST", "A method that does not exist is HTTP 404 with -32601."],
    [
      "S26-21",
      "MUST",
      "A request that claims this revision without the version header is refused.",
    ],
    ["S26-22a", "MUST", "An Mcp-Method that differs from the method is -32020 and HTTP 400."],
    ["S26-22b", "MUST", "An Mcp-Name that differs from the name or URI is -32020 and HTTP 400."],
    [
      "S26-22c",
      "MUST",
      "An Mcp-Param header that differs from its argument is -32020 and HTTP 400.",
    ],
    ["S26-22d", "MUST", "A missing required header is -32020 and HTTP 400."],
    [
      "S26-22e",
      "MUST",
      "A recognized header with characters outside its alphabet is -32020 and HTTP 400.",
    ],
    ["S26-23a", "MUST", "A value in the base64 form is decoded before it is compared."],
    ["S26-23b", "MUST", "Header names are matched in any case, header values in theirs."],
    ["S26-23c", "SHOULD", "Integer arguments are compared with their header as numbers."],
    ["S26-24a", "MUST", "An annotated argument whose header is missing is refused."],
    [
      "S26-24b",
      "MUST NOT",
      "No header is expected for an annotated argument that is null or absent.",
    ],
    ["S26-25a", "SHOULD", "A server of this revision only answers GET and DELETE with 405."],
    ["S26-25b", "SHOULD", "Mcp-Session-Id and Last-Event-ID on a request are ignored."],
    ["S26-26a", "SHOULD", "An event stream carries X-Accel-Buffering: no."],
    ["S26-26b", "SHOULD", "The final response ends the event stream."],
  ]),
  ...section("basic/patterns/mrtr", [
    [
      "S26-27",
      "MUST NOT",
      "Only tools/call, prompts/get and resources/read answer with input_required.",
    ],
    ["S26-28a", "MUST", "An input_required result holds input requests or a request state."],
    [
      "S26-28b",
      "MUST",
      "Keys of input requests are unique, and each asks for elicitation, sampling or roots.",
    ],
    ["S26-29a", "MUST", "A request state that was altered or made by others is refused."],
    [
      "S26-29b",
      "SHOULD",
      "A request state is refused after its lifetime, and on another method, name or arguments.",
    ],
    [
      "S26-29c",
      "SHOULD",
      "A request state is refused to any principal but the one it was made for.",
    ],
    [
      "S26-29d",
      "MUST",
      "Where a state may be redeemed only once, the server enforces it.",
      hostDuty(context, "InputContext.once", "exactly-once needs a store"),
    ],
    ["S26-30a", "MUST NOT", "Nothing is asked that the client of this request did not declare."],
    [
      "S26-30b",
      "MUST NOT",
      "The retry is not counted on: it may never come, or reach another replica.",
    ],
    ["S26-31a", "SHOULD", "An answer that is missing is asked for again."],
    ["S26-31b", "SHOULD", "Answers that nobody asked for are ignored."],
    ["S26-31c", "SHOULD", "Answers are validated: a wrong shape does not complete the request."],
  ]),
  ...section("basic/patterns/subscriptions", [
    ["S26-32a", "MUST NOT", "No notification type is sent that the listen request did not name."],
    ["S26-32b", "MUST", "The acknowledgement is the first message of a subscription."],
    [
      "S26-33a",
      "SHOULD",
      "A subscription that the server ends gets its result before the stream closes.",
    ],
    [
      "S26-33b",
      "MUST NOT",
      "The server sends notifications/cancelled on stdio for an ended subscription, and for nothing else.",
    ],
  ]),
  ...section("basic/patterns/progress", [
    ["S26-34a", "MUST", "Progress grows with each notification."],
    ["S26-34b", "MUST", "Progress names a token of a running request and stops with it."],
  ]),
  ...section("basic/patterns/cancellation", [
    [
      "S26-35a",
      "MUST",
      "A cancellation that comes late, twice, malformed or for an unknown id does no harm.",
    ],
    ["S26-35b", "SHOULD", "A cancelled request stops its work and frees what it held."],
    ["S26-35c", "MUST NOT", "A request that was cancelled on stdio is not answered."],
  ]),
  ...section("server/index", [
    ["S26-36a", "MUST", "Each feature that the server uses is declared as a capability."],
    ["S26-36b", "MUST", "The lists of a declared capability answer, even when empty."],
  ]),
  ...section("server/tools", [
    [
      "S26-37a",
      "MUST NOT",
      "Lists do not vary with the connection or as a side effect of other requests.",
    ],
    ["S26-37b", "SHOULD", "Lists keep one order from call to call and from replica to replica."],
    ["S26-38a", "MUST", "The input schema of every listed tool is a valid JSON Schema object."],
    ["S26-38b", "MUST", "Structured output that does not conform to its schema is never sent."],
    [
      "S26-39",
      "MUST",
      "An x-mcp-header that is empty, no token, repeated, on a number or beyond plain properties is refused at registration.",
    ],
    ["S26-40a", "MUST", "Tool input is validated before the handler runs."],
    ["S26-40b", "MUST", "Access control applies to tools: what is hidden cannot be called."],
    ["S26-40c", "MUST", "Tool invocations are rate limited."],
    [
      "S26-40d",
      "MUST",
      "What a failing handler knew of the server's inside does not reach the client.",
    ],
  ]),
  ...section("server/resources", [
    [
      "S26-41a",
      "MUST",
      "A resource that does not exist is -32602, with its URI in data, and never empty contents.",
    ],
    ["S26-41b", "MUST", "A URI that is none is refused."],
    ["S26-41c", "MUST", "File paths are kept inside their root."],
    ["S26-41d", "MUST", "Binary contents are base64."],
    ["S26-41e", "MUST", "A resource is registered under a URI that conforms to RFC 3986."],
  ]),
  ...section("server/prompts", [
    ["S26-42a", "MUST", "Prompt arguments are validated before the handler runs."],
    [
      "S26-42b",
      "MUST",
      "Prompt messages carry base64 and a MIME type for media, and a URI with content for resources; others are never sent.",
    ],
  ]),
  ...section("server/utilities/caching", [
    [
      "S26-43a",
      "MUST",
      "Complete results of discover, the lists and resources/read carry ttlMs of 0 or more and a cacheScope; others do not.",
    ],
    ["S26-43b", "MUST", "All pages of a list carry one cacheScope."],
    [
      "S26-44a",
      "MUST",
      "Access control is applied to every primitive whatever its cacheScope, and lists that vary by principal are private.",
    ],
    [
      "S26-44b",
      "MUST",
      "Whoever declares a result public knows that it may be shown to other users.",
      hostDuty(
        "packages/protocol/src/types/primitives.ts",
        "CacheScope",
        "`public` may be shared across principals",
      ),
    ],
  ]),
  ...section("server/utilities/completion", [
    ["S26-45a", "MUST", "Completion input is validated, and at most 100 values are returned."],
    ["S26-45b", "MUST", "Completion is rate limited."],
    [
      "S26-45c",
      "MUST",
      "Suggestions that are sensitive are guarded: a completer sees who asks, and hidden prompts and templates complete nothing.",
    ],
  ]),
  ...section("server/utilities/logging", [
    ["S26-46a", "MUST NOT", "A request without a log level gets no log message."],
    [
      "S26-46b",
      "MUST NOT",
      "Log messages travel on the stream of the request that asked for them only.",
    ],
    [
      "S26-46c",
      "MUST NOT",
      "Log messages hold no credentials, personal data or internals.",
      hostDuty(context, "RequestContext.log", "Never put credentials or internals in it"),
    ],
    ["S26-46d", "SHOULD", "A log level that does not exist is -32602."],
  ]),
  ...section("client/elicitation", [
    [
      "S26-47a",
      "MUST",
      "A form carries a message and a flat schema, a URL request a message and a valid URL.",
    ],
    [
      "S26-47b",
      "MUST NOT",
      "Secrets are never asked for in a form.",
      hostDuty(context, "ElicitUrlAsk", "the only way to ask for a secret"),
    ],
    ["S26-47c", "MUST NOT", "A mode that the client lacks is not asked for."],
    ["S26-48a", "MUST", "An answer counts only for the client and user that were asked."],
    ["S26-48b", "MUST", "Declined, cancelled and failed elicitations are ordinary outcomes."],
    ["S26-48c", "MUST NOT", "Identity that the message itself claims is not believed."],
    [
      "S26-49a",
      "MUST NOT",
      "The URL holds no sensitive data and is not authenticated in advance.",
      hostDuty(context, "ElicitUrlAsk", "Must hold no sensitive data"),
    ],
    [
      "S26-49b",
      "MUST",
      "The page verifies that who opens it is who started it, by the identity of MCP authorization, and protects what it stores.",
      hostDuty(context, "ElicitUrlAsk", "verify"),
    ],
    [
      "S26-50",
      "MUST NOT",
      "URL elicitation does not log users in to the server itself, and credentials of third parties stay away from the client.",
      hostDuty(context, "ElicitUrlAsk", "third-party"),
    ],
  ]),
  ...section("client/sampling", [
    [
      "S26-51a",
      "MUST NOT",
      "Tools are offered to the client's model only if it declares sampling.tools.",
    ],
    [
      "S26-51b",
      "MUST",
      "Each tool use in the messages is answered, alone, by the tool results of the next user message.",
    ],
  ]),
  ...section("basic/authorization/security-considerations", [
    ["S26-52a", "MUST NOT", "Holding a handle or a state of someone else gives no access."],
    [
      "S26-52b",
      "MUST",
      "With authorization on, every request is verified: none of any method passes without a credential.",
    ],
  ]),
];
