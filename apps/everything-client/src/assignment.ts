import { isJsonObject, isRevision, type JsonObject, type Revision } from "@backplane/protocol";

/** What the suite wants of one run of the client. */
export interface Assignment {
  readonly url: string;
  readonly scenario: string;
  /** Decides the era: the suite's servers of one revision refuse the other's handshake. */
  readonly revision: Revision;
  /** Credentials and calls that some scenarios hand over; empty for the others. */
  readonly context: JsonObject;
}

/**
 * Reads the command line and the environment as the suite sets them: the URL is the last argument.
 * @throws {TypeError} that names what is missing or wrong.
 */
export function readAssignment(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Assignment {
  const url = args.at(-1);
  if (url === undefined || !URL.canParse(url)) {
    throw new TypeError("usage: everything-client URL; MCP_CONFORMANCE_SCENARIO says what to do");
  }
  const scenario = env.MCP_CONFORMANCE_SCENARIO;
  if (scenario === undefined) throw new TypeError("MCP_CONFORMANCE_SCENARIO is not set");
  const revision = env.MCP_CONFORMANCE_PROTOCOL_VERSION;
  if (revision === undefined || !isRevision(revision)) {
    throw new TypeError(
      `MCP_CONFORMANCE_PROTOCOL_VERSION must be a protocol revision, not ${JSON.stringify(revision)}`,
    );
  }
  return { url, scenario, revision, context: readContext(env.MCP_CONFORMANCE_CONTEXT) };
}

function readContext(text: string | undefined): JsonObject {
  if (text === undefined) return {};
  let context: unknown;
  try {
    context = JSON.parse(text);
  } catch (cause) {
    throw new TypeError("MCP_CONFORMANCE_CONTEXT is no JSON", { cause });
  }
  if (!isJsonObject(context)) throw new TypeError("MCP_CONFORMANCE_CONTEXT is no object");
  return context as JsonObject;
}
