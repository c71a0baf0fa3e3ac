import type { SampleParams } from "@backplane/protocol";
import type { MCPServer } from "@backplane/server";

const nameForm = {
  type: "object",
  properties: { name: { type: "string", minLength: 2 } },
  required: ["name"],
} as const;

/** Tools, a prompt and a resource that ask the client, one by one and in every way. */
export function registerAsking(server: MCPServer): void {
  server.tool(
    "ask_name",
    { input: { type: "object", properties: { greeting: { type: "string" } } } },
    async (args, context) => {
      const answer = await context.elicit("name", { message: "Your name?", schema: nameForm });
      if (answer.action !== "accept") return answer.action;
      return `${String(args["greeting"] ?? "Hello")}, ${String(answer.content?.["name"])}`;
    },
  );
  server.tool("ask_name_again", {}, async (_args, context) => {
    const answer = await context.elicit("name", { message: "Your name?", schema: nameForm });
    return `again ${answer.action}`;
  });
  server.tool("ask_any_url", { input: { type: "object" } }, async (args, context) => {
    const url = String(args["url"]);
    const answer = await context.elicit("login", { message: "Please log in", url });
    return answer.action;
  });
  // What a handler passes on from its model's last answer is not always in order.
  server.tool("ask_model_with_history", { input: { type: "object" } }, async (args, context) => {
    const messages = args["messages"] as SampleParams["messages"];
    const answer = await context.sample("next", { messages, maxTokens: 10 });
    return answer.model;
  });
  server.tool("ask_url", {}, async (_args, context) => {
    const url = "https://login.example/start";
    const answer = await context.elicit("login", { message: "Please log in", url });
    return answer.action;
  });
  server.tool("ask_model", {}, async (_args, context) => {
    const answer = await context.sample("capital", {
      messages: [{ role: "user", content: { type: "text", text: "Capital of France?" } }],
      maxTokens: 10,
    });
    return JSON.stringify(answer.content);
  });
  server.tool("ask_model_with_tools", {}, async (_args, context) => {
    const answer = await context.sample("capital", {
      messages: [{ role: "user", content: { type: "text", text: "Capital of France?" } }],
      maxTokens: 10,
      tools: [{ name: "lookup", inputSchema: { type: "object" } }],
    });
    return answer.model;
  });
  server.tool("ask_roots", {}, async (_args, context) => {
    const roots = await context.roots("roots");
    return roots.map(({ uri }) => uri).join(" ");
  });
  server.tool("ask_all", {}, async (_args, context) => {
    const [answers, roots] = await Promise.all([
      context.elicitAll({
        first: { message: "First?", schema: nameForm },
        second: { message: "Second?", schema: nameForm },
      }),
      context.roots("roots"),
    ]);
    return `${answers.first.action} ${answers.second.action} ${roots.length}`;
  });
  server.tool("ask_twice", {}, async (_args, context) => {
    const first = await context.elicit("first", { message: "First?", schema: nameForm });
    const second = await context.elicit("second", { message: "Second?", schema: nameForm });
    return `${String(first.content?.["name"])} and ${String(second.content?.["name"])}`;
  });
  server.tool("ask_and_swallow", {}, async (_args, context) => {
    try {
      const answer = await context.elicit("name", { message: "Your name?", schema: nameForm });
      return `told ${answer.action}`;
    } catch {
      return "swallowed";
    }
  });
  server.tool("ask_one_key_twice", {}, async (_args, context) => {
    const [one, two] = await Promise.all([
      context.elicit("same", { message: "One?", schema: nameForm }),
      context.elicit("same", { message: "Two?", schema: nameForm }),
    ]);
    return `${one.action} ${two.action}`;
  });
  server.prompt("ask_prompt", {}, async (_args, context) => {
    const answer = await context.elicit("name", { message: "Your name?", schema: nameForm });
    return `Greet ${String(answer.content?.["name"])}`;
  });
  server.resource("ask://resource", {}, async (_read, context) => {
    const answer = await context.elicit("name", { message: "Your name?", schema: nameForm });
    return `For ${String(answer.content?.["name"])}`;
  });
}
