import { describe, expect, it } from "vitest";
import { useEverything } from "./harness/everything.ts";
import { callTool, modern } from "./harness/http.ts";
import { metaLogLevel } from "./harness/messages.ts";
import { useServer } from "./harness/servers.ts";

const levels = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
] as const;

const everything = useEverything();
const target = useServer((server) => {
  server.tool("chatty", {}, (_args, context) => {
    for (const level of levels) context.log(level, { said: level }, "tests");
    return "done";
  });
  server.tool("slow_chatty", {}, async (_args, context) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    context.log("info", "slow");
    return "done";
  });
});

describe("notifications/message", () => {
  it.each(["chatty", "test_logging_tool"])(
    "[S26-46a] is not sent without a log level: %s",
    async (tool) => {
      const url = tool === "chatty" ? target.url : everything.url;
      const { message, messages } = await callTool(url, tool);
      expect(message?.result?.resultType).toBe("complete");
      expect(messages).toHaveLength(1);
    },
  );

  it.each(levels.map((level, index) => [level, levels.slice(index)] as const))(
    "[S26-46a] is sent from the level %s up",
    async (level, expected) => {
      const { messages } = await callTool(
        target.url,
        "chatty",
        {},
        { meta: { [metaLogLevel]: level } },
      );
      expect(
        messages.slice(0, -1).map(({ method, params }) => [method, params?.["level"]]),
      ).toEqual(expected.map((one) => ["notifications/message", one]));
      expect(messages[0]?.params).toMatchObject({ logger: "tests", data: { said: level } });
    },
  );

  it("[S26-46b] travels on the stream of its own request", async () => {
    const meta = { [metaLogLevel]: "debug" };
    const [loud, quiet, silent] = await Promise.all([
      callTool(target.url, "slow_chatty", {}, { meta }),
      callTool(target.url, "slow_chatty"),
      modern(target.url, "tools/list", {}, { meta }),
    ]);
    expect(loud.messages).toHaveLength(2);
    expect(quiet.messages).toHaveLength(1);
    expect(silent.messages).toHaveLength(1);
  });

  it.each(["loud", "", "INFO", 7, null])("[S26-46d] is refused at the level %j", async (level) => {
    const { status, message } = await callTool(
      target.url,
      "chatty",
      {},
      { meta: { [metaLogLevel]: level } },
    );
    expect(status).toBeLessThan(500);
    expect(message?.error?.code).toBe(-32602);
  });

  it("[S26-46a] is sent by apps/everything once it is asked for", async () => {
    const { messages } = await callTool(
      everything.url,
      "test_logging_tool",
      {},
      { meta: { [metaLogLevel]: "debug" } },
    );
    expect(messages.map(({ method }) => method)).toContain("notifications/message");
  });
});
