import assert from "node:assert/strict";
import type { WireMessage } from "../protocol/harness/messages.ts";
import { CHATTY, type SessionHeaders, type SoakClient } from "./soak-client.ts";

/** Something that clients do. */
export interface Scenario {
  readonly name: string;
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** @throws when the server answers otherwise than it should. */
  readonly run: (client: SoakClient) => Promise<void>;
}

const NAME_ANSWER = { action: "accept", content: { name: "Ada" } };

/** With a session of its own, which nobody ends. Without one when the server is full: that is its right. */
function inSession(use: (client: SoakClient, session: SessionHeaders) => Promise<void>) {
  return async (client: SoakClient): Promise<void> => {
    const session = await client.openSession();
    if (session !== undefined) await use(client, session);
  };
}

function succeeded(message: WireMessage): WireMessage {
  assert.ok(message.result !== undefined, JSON.stringify(message));
  return message;
}

const call = (name: string, args: object = {}) => ({ name, arguments: args });
const sum = call("add_numbers", { a: 2, b: 3 });
const slow = call("slow_operation", { durationMs: 40, label: "soak" });

export const scenarios: readonly Scenario[] = [
  {
    name: "modern calls",
    weight: 40,
    run: async (client) => {
      for (let i = 0; i < 10; i++) {
        const { result } = await client.modern("tools/call", sum);
        assert.deepEqual(result?.structuredContent, { sum: 5 });
      }
    },
  },
  {
    name: "modern lists, reads and prompts",
    weight: 10,
    run: async (client) => {
      succeeded(await client.modern("server/discover"));
      succeeded(await client.modern("tools/list"));
      succeeded(await client.modern("resources/read", { uri: "test://template/7/data" }));
      succeeded(await client.modern("prompts/get", { name: "test_simple_prompt" }));
    },
  },
  {
    name: "modern streams",
    weight: 8,
    run: async (client) => {
      succeeded(await client.modern("tools/call", call("test_logging_tool"), CHATTY));
    },
  },
  {
    name: "modern errors",
    weight: 5,
    run: async (client) => {
      assert.ok((await client.modern("tools/call", call("no_such_tool"))).error);
      assert.ok((await client.modern("tools/call", call("test_masked_error"))).error);
      assert.ok((await client.modern("no/such/method")).error);
    },
  },
  {
    name: "modern rounds",
    weight: 5,
    run: async (client) => {
      const asking = call("test_input_required_result_elicitation");
      const { result } = succeeded(await client.modern("tools/call", asking));
      const { requestState } = result ?? {};
      const inputResponses = { user_name: NAME_ANSWER };
      const retry = { ...asking, inputResponses, requestState };
      const answered = succeeded(await client.modern("tools/call", retry));
      assert.equal(answered.result?.content?.[0]?.text, "Hello, Ada!");
    },
  },
  {
    name: "modern clients that go away",
    weight: 5,
    run: async (client) => {
      await client.droppedModern("tools/call", slow, 10);
    },
  },
  {
    name: "listen streams, dropped",
    weight: 5,
    run: async (client) => {
      const notifications = {
        toolsListChanged: true,
        resourceSubscriptions: ["test://watched-resource"],
      };
      const listening = client.droppedModern("subscriptions/listen", { notifications }, 30);
      succeeded(await client.modern("tools/call", call("test_trigger_tool_change")));
      succeeded(await client.modern("tools/call", call("test_touch_watched_resource")));
      await listening;
    },
  },
  {
    name: "sessions that nobody ends",
    weight: 10,
    run: inSession(async (client, session) => {
      for (let i = 0; i < 8; i++) {
        const { result } = await client.legacy(session, "tools/call", sum);
        assert.deepEqual(result?.structuredContent, { sum: 5 });
      }
      const uri = "test://watched-resource";
      succeeded(await client.legacy(session, "resources/subscribe", { uri }));
      succeeded(await client.legacy(session, "logging/setLevel", { level: "debug" }));
    }),
  },
  {
    name: "legacy streams, dropped and resumed",
    weight: 4,
    run: inSession(async (client, session) => {
      const reading = client.get(session, 40);
      succeeded(await client.legacy(session, "tools/call", call("test_trigger_prompt_change")));
      const last = await reading;
      if (last !== undefined) await client.get([...session, ["Last-Event-ID", last]], 20);
    }),
  },
  {
    name: "legacy calls that log",
    weight: 4,
    run: inSession(async (client, session) => {
      succeeded(await client.legacy(session, "tools/call", call("test_logging_tool")));
    }),
  },
  {
    name: "legacy clients that go away",
    weight: 3,
    run: inSession(async (client, session) => {
      const _meta = { progressToken: "p" };
      await client.droppedLegacy(session, "tools/call", { ...slow, _meta }, 10);
    }),
  },
  {
    name: "legacy questions, answered",
    weight: 3,
    run: inSession(async (client, session) => {
      const asking = call("test_input_required_result_elicitation");
      const { result } = await client.legacy(session, "tools/call", asking, NAME_ANSWER);
      assert.equal(result?.content?.[0]?.text, "Hello, Ada!");
    }),
  },
  {
    name: "legacy questions, never answered",
    weight: 1,
    run: inSession(async (client, session) => {
      const asking = call("test_input_required_result_elicitation");
      await client.droppedLegacy(session, "tools/call", asking, 10);
    }),
  },
  {
    name: "HTTP+SSE, dropped",
    weight: 1,
    run: async (client) => {
      await client.get([], 30);
    },
  },
];
