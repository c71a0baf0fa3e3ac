import { hostDuty, type Requirement, section } from "./requirement.ts";

const handlers = "packages/client/src/input-handlers.ts";
const content = "packages/protocol/src/types/content.ts";
const options = "packages/client/src/options.ts";
const requestOptions = "packages/client/src/request-options.ts";
const stdioOptions = "packages/client/src/stdio/stdio-options.ts";

/** What revision 2026-07-28 asks of a client, point by point; points 1 to 30, letters within. */
export const client20260728: readonly Requirement[] = [
  ...section("basic/index", [
    [
      "C26-01a",
      "MUST",
      "Request ids are strings or integers, and none is used twice among requests without a response.",
    ],
    [
      "C26-01b",
      "MUST",
      "Every request says its protocol version and the client's capabilities in _meta.",
    ],
    ["C26-01c", "SHOULD", "Every request says who the client is in _meta."],
    ["C26-02a", "MUST", "A result without resultType is complete."],
    ["C26-02b", "MUST", "A result with an unknown resultType is invalid."],
    ["C26-03a", "MUST NOT", "No meaning is given to the codes -32000 to -32019."],
    ["C26-03b", "SHOULD", "-32002 of an older server reaches the caller as the error it is."],
    [
      "C26-04a",
      "MUST",
      "Trace context in _meta has the W3C formats.",
      hostDuty(requestOptions, "RequestOptions.meta", "W3C"),
    ],
    ["C26-04b", "MUST NOT", "Unknown members of _meta, reserved ones too, change nothing."],
    ["C26-05a", "MUST", "The client fetches no icon."],
    [
      "C26-05b",
      "MUST",
      "Who shows icons refuses unsafe schemes and redirects, fetches without credentials, and takes care with SVG.",
      hostDuty(content, "Icon", "without credentials"),
    ],
  ]),
  ...section("basic/transports", [
    ["C26-06", "MUST NOT", "No response is sent, even to a server that sends a request."],
  ]),
  ...section("basic/transports/streamable-http", [
    ["C26-07a", "MUST", "Each message is a POST of its own."],
    ["C26-07b", "MUST", "Every POST accepts application/json and text/event-stream."],
    [
      "C26-07c",
      "MUST",
      "Every POST carries MCP-Protocol-Version, Mcp-Method and, for a named target, Mcp-Name, as the body says.",
    ],
    ["C26-07d", "MUST", "Answers as JSON and as event streams are both read."],
    [
      "C26-08a",
      "MUST",
      "Values of Mcp-Name and Mcp-Param headers that no header can carry are base64 in the sentinel.",
    ],
    ["C26-08b", "MUST", "So is a plain value that looks like the sentinel."],
    ["C26-09a", "MUST", "Arguments annotated with x-mcp-header are mirrored in headers."],
    ["C26-09b", "MUST", "There is no header for an argument that is null or absent."],
    ["C26-10a", "MUST", "A listed tool whose x-mcp-header breaks the rules is dropped."],
    ["C26-10b", "SHOULD", "The drop is logged as a warning, with the tool's name."],
    [
      "C26-10c",
      "SHOULD",
      "-32020 makes the client list the tools again and send the call once more.",
    ],
    [
      "C26-11",
      "SHOULD",
      "The body of a 400 is read before the client falls back to the older era.",
    ],
  ]),
  ...section("basic/transports/stdio", [
    ["C26-12a", "MUST NOT", "Nothing but messages, one a line, is written to the server's stdin."],
    ["C26-12b", "MUST", "A request is cancelled by notifications/cancelled."],
    ["C26-12c", "SHOULD", "A server that crashed is started again."],
    ["C26-13a", "SHOULD", "The era is probed with server/discover."],
    [
      "C26-13b",
      "MUST NOT",
      "The fall-back to initialize is not keyed to one error code, and silence is answered by it too.",
    ],
  ]),
  ...section("basic/versioning", [
    ["C26-14a", "SHOULD", "The era of an origin or process is remembered."],
    [
      "C26-14b",
      "SHOULD",
      "After -32022 the client goes on with a version that the server says it supports.",
    ],
  ]),
  ...section("basic/patterns/subscriptions", [
    [
      "C26-15a",
      "MUST",
      "Over stdio notifications find their subscription by the subscriptionId in their _meta.",
    ],
    ["C26-15b", "MUST", "A subscription whose stream ended is asked for anew."],
    ["C26-15c", "SHOULD", "The filter that the server acknowledged is shown to the caller."],
  ]),
  ...section("basic/patterns/mrtr", [
    ["C26-16a", "MUST", "A request is sent again only with an answer to every input request."],
    ["C26-16b", "MUST", "requestState is sent back exactly as it came."],
    ["C26-16c", "MUST NOT", "requestState is neither read nor made up: none came, none is sent."],
    ["C26-16d", "MUST", "The request that is sent again has a new id."],
    [
      "C26-16e",
      "MUST NOT",
      "inputResponses and requestState of one request are sent with no other.",
    ],
  ]),
  ...section("basic/patterns/progress", [
    ["C26-17", "MUST", "Progress tokens are strings or integers, unique among running requests."],
  ]),
  ...section("basic/patterns/cancellation", [
    ["C26-18a", "MUST", "Only the client's own running requests are cancelled."],
    ["C26-18b", "SHOULD", "A response that comes after the cancellation is ignored."],
    [
      "C26-18c",
      "SHOULD",
      "Requests have a timeout that progress starts anew under a hard maximum, both for each request.",
    ],
  ]),
  ...section("server/utilities/caching", [
    ["C26-19a", "MUST NOT", "A kept result is not given for other params."],
    [
      "C26-19b",
      "MUST NOT",
      "What a request with inputResponses or requestState brought is not kept.",
    ],
    ["C26-19c", "MUST NOT", "A private result is not shared with other credentials."],
    ["C26-19d", "MUST", "Reconnects and retries are jittered and back off."],
  ]),
  ...section("server/utilities/pagination", [
    ["C26-20a", "MUST", "A cursor is sent back as it came, an empty one too."],
    [
      "C26-20b",
      "MUST NOT",
      "No page size is assumed: an empty page with a cursor is not the last.",
    ],
  ]),
  ...section("server/tools", [
    [
      "C26-21a",
      "MUST",
      "Tool annotations of a server that is not trusted change nothing.",
      hostDuty(options, "ClientBehaviour.trustAnnotations", "do not trust"),
    ],
    [
      "C26-21b",
      "SHOULD",
      "Structured content is checked against the schema that the tool advertises.",
    ],
  ]),
  ...section("basic/index", [
    [
      "C26-22",
      "MUST",
      "Who shows icons supports PNG and JPEG at least.",
      hostDuty(content, "Icon", "PNG and JPEG"),
    ],
  ]),
  ...section("client/elicitation", [
    [
      "C26-23a",
      "MUST",
      "Elicitation, roots and sampling are declared on every request when there are handlers for them, and not otherwise.",
    ],
    [
      "C26-23b",
      "MUST",
      "A declared elicitation names at least one mode, and only those with a handler.",
    ],
    [
      "C26-24a",
      "MUST",
      "The user sees which server asks, and can decline and cancel.",
      hostDuty(handlers, "InputHandlers.elicit", "can always decline"),
    ],
    ["C26-24b", "MUST", "An elicitation without a mode is a form."],
    [
      "C26-25a",
      "MUST NOT",
      "A URL that a server wants opened is neither fetched nor opened by the client.",
    ],
    [
      "C26-25b",
      "MUST",
      "The whole URL is shown, opened with consent only, and where neither client nor model can look.",
      hostDuty(handlers, "InputHandlers.elicit", "neither this program nor a model"),
    ],
  ]),
  ...section("client/sampling", [
    [
      "C26-26a",
      "MUST",
      "maxTokens is respected.",
      hostDuty(handlers, "InputHandlers.sample", "maxTokens"),
    ],
    [
      "C26-26b",
      "MUST",
      "toolChoice is honoured.",
      hostDuty(handlers, "InputHandlers.sample", "toolChoice"),
    ],
    [
      "C26-26c",
      "SHOULD",
      "A person can see, change and refuse what is sampled.",
      hostDuty(handlers, "InputHandlers.sample", "person"),
    ],
  ]),
  ...section("client/roots", [
    [
      "C26-27a",
      "MUST",
      "Only folders that the user permitted are exposed.",
      hostDuty(handlers, "InputHandlers.roots", "permitted"),
    ],
    ["C26-27b", "MUST", "A root that is no file:// URI, or that steps up, is refused."],
  ]),
  ...section("security_best_practices", [
    [
      "C26-28",
      "MUST",
      "A local server is started with the user's consent, who sees the exact command.",
      hostDuty(stdioOptions, "StdioOptions.command", "consent"),
    ],
    [
      "C26-29a",
      "MUST",
      "Only http and https URLs that a server gave reach the user, https alone beyond this machine.",
    ],
    ["C26-29b", "MUST NOT", "No URL is opened through a shell: the client opens none."],
    [
      "C26-30",
      "MUST",
      "URLs of metadata and authorization servers, which the peer gave, lead to no address inside.",
    ],
  ]),
];
