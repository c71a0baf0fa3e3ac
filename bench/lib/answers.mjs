// Reading and checking answers. A server that answers wrongly is not measured.
import { progressSteps } from "./settings.mjs";
import { calledTools } from "./tool-names.mjs";

/** The JSON-RPC messages of a response body, whether JSON or an event stream. */
export function messagesOf(contentType, body) {
  if (!contentType.startsWith("text/event-stream")) {
    return [JSON.parse(body)];
  }
  return body
    .split(/\r?\n\r?\n/)
    .map((event) =>
      event
        .split(/\r?\n/)
        .filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5).trimStart())
        .join("\n"),
    )
    .filter((data) => data !== "")
    .map((data) => JSON.parse(data));
}

function fail(what, messages) {
  throw new Error(`wrong answer: ${what}: ${JSON.stringify(messages).slice(0, 400)}`);
}

function checkProgress(request, notifications, messages) {
  const values = notifications
    .filter(({ method, params }) => {
      return method === "notifications/progress" && params.progressToken === `p${request.id}`;
    })
    .map(({ params }) => params.progress);
  const expected = Array.from({ length: progressSteps }, (_, index) => index + 1);
  if (values.join() !== expected.join()) {
    fail(`expected progress 1 to ${progressSteps}`, messages);
  }
}

/** Throws unless `messages` is the complete and correct answer to `request`. */
export function checkAnswer(request, messages, { toolCount }) {
  const response = messages.at(-1);
  if (response?.id !== request.id || !response.result || response.result.isError) {
    fail("no result for the request", messages);
  }
  if (request.method === "tools/list") {
    const { tools } = response.result;
    if (tools?.length !== toolCount) {
      fail(`expected ${toolCount} tools, got ${tools?.length}`, []);
    }
    if (!tools.every((tool) => tool.inputSchema?.properties?.message)) {
      fail("a tool without its input schema", tools);
    }
    return;
  }
  const { arguments: args } = JSON.parse(request.body).params;
  if (response.result.content?.[0]?.text !== args.message) {
    fail("another text than was sent", messages);
  }
  if (request.tool === calledTools.count) {
    checkProgress(request, messages.slice(0, -1), messages);
  } else if (messages.length !== 1) {
    fail("more messages than the result", messages);
  }
}
