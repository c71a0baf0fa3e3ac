import type { MCPServer, SchemaInput } from "@backplane/server";
import { z } from "zod";

const USER_NAME = {
  message: "What is your name?",
  schema: z.object({ name: z.string() }),
};

/** A question to the client's model. */
function question(text: string) {
  return {
    messages: [{ role: "user" as const, content: { type: "text" as const, text } }],
    maxTokens: 100,
  };
}

/** SEP-1330: every way to write an enum, one of them older than titles. */
const ENUMS: SchemaInput = {
  type: "object",
  properties: {
    untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
    titledSingle: {
      type: "string",
      oneOf: [
        { const: "value1", title: "First Option" },
        { const: "value2", title: "Second Option" },
        { const: "value3", title: "Third Option" },
      ],
    },
    legacyEnum: {
      type: "string",
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti: {
      type: "array",
      items: { type: "string", enum: ["option1", "option2", "option3"] },
    },
    titledMulti: {
      type: "array",
      items: {
        anyOf: [
          { const: "value1", title: "First Choice" },
          { const: "value2", title: "Second Choice" },
          { const: "value3", title: "Third Choice" },
        ],
      },
    },
  },
};

/** Tools that ask the client while they run: each is written once and works in both eras. */
export function addInputTools(server: MCPServer): void {
  server.tool(
    "test_sampling",
    {
      description: "Asks the client's model",
      input: z.object({ prompt: z.string().min(1) }),
    },
    async ({ prompt }, ctx) => {
      const { content } = await ctx.sample("answer", question(prompt));
      return `LLM response: ${JSON.stringify(content)}`;
    },
  );

  server.tool(
    "test_elicitation",
    {
      description: "Asks the user for a name and an address",
      input: z.object({ message: z.string().min(1) }),
    },
    async ({ message }, ctx) => {
      const answer = await ctx.elicit("user", {
        message,
        schema: z.object({ username: z.string(), email: z.email() }),
      });
      return `User response: ${JSON.stringify(answer)}`;
    },
  );

  server.tool(
    "test_elicitation_sep1034_defaults",
    {
      description: "Asks with a default for each kind of field",
    },
    async (_args, ctx) => {
      const answer = await ctx.elicit("defaults", {
        message: "Please review the defaults",
        schema: z.object({
          name: z.string().default("John Doe"),
          age: z.number().int().default(30),
          score: z.number().default(95.5),
          status: z.enum(["active", "inactive", "pending"]).default("active"),
          verified: z.boolean().default(true),
        }),
      });
      return `Elicitation completed: ${JSON.stringify(answer)}`;
    },
  );

  server.tool(
    "test_elicitation_sep1330_enums",
    {
      description: "Asks with every kind of enum",
    },
    async (_args, ctx) => {
      const answer = await ctx.elicit("enums", { message: "Please choose", schema: ENUMS });
      return `Elicitation completed: ${JSON.stringify(answer)}`;
    },
  );

  server.tool(
    "test_url_elicitation",
    {
      description: "Asks the user to open a page",
    },
    async (_args, ctx) => {
      const { action } = await ctx.elicit("consent", {
        message: "Please confirm on the page",
        url: "https://example.com/confirm",
      });
      return `URL elicitation: ${action}`;
    },
  );

  server.tool(
    "test_list_roots",
    { description: "Asks for the client's roots" },
    async (_args, ctx) => `Roots: ${JSON.stringify(await ctx.roots("roots"))}`,
  );

  server.tool(
    "test_missing_capability",
    {
      description: "Needs a client that offers sampling",
    },
    async (_args, ctx) => {
      const { content } = await ctx.sample("answer", question("Are you there?"));
      return `LLM response: ${JSON.stringify(content)}`;
    },
  );

  server.tool(
    "test_streaming_elicitation",
    {
      description: "Streams progress and then asks the user",
    },
    async (_args, ctx) => {
      ctx.progress({ progress: 1, total: 2 });
      const answer = await ctx.elicit("user_name", USER_NAME);
      return `Answer: ${answer.action}`;
    },
  );
}

/** The fixtures of multi-round requests (SEP-2322), by the suite's names. */
export function addInputRequiredTools(server: MCPServer): void {
  const name = (suffix: string): string => `test_input_required_result_${suffix}`;

  server.tool(name("elicitation"), { description: "Asks for a name" }, async (_args, ctx) => {
    const { content } = await ctx.elicit("user_name", USER_NAME);
    return `Hello, ${content?.name ?? "stranger"}!`;
  });

  server.tool(name("sampling"), { description: "Asks the client's model" }, async (_args, ctx) => {
    const { content } = await ctx.sample("capital", question("What is the capital of France?"));
    return `The model says: ${JSON.stringify(content)}`;
  });

  server.tool(
    name("list_roots"),
    { description: "Asks for the roots" },
    async (_args, ctx) =>
      `Roots: ${(await ctx.roots("client_roots")).map(({ uri }) => uri).join(", ")}`,
  );

  server.tool(name("request_state"), { description: "Keeps state" }, async (_args, ctx) => {
    await ctx.elicit("confirm", {
      message: "Please confirm",
      schema: z.object({ ok: z.boolean() }),
    });
    return "state-ok";
  });

  server.tool(
    name("multiple_inputs"),
    { description: "Asks three things at once" },
    async (_args, ctx) => {
      const [user, greeting, roots] = await Promise.all([
        ctx.elicit("user_name", USER_NAME),
        ctx.sample("greeting", question("Generate a greeting")),
        ctx.roots("client_roots"),
      ]);
      return `${JSON.stringify(greeting.content)} ${user.content?.name ?? ""}, ${roots.length} roots`;
    },
  );

  server.tool(
    name("multi_round"),
    { description: "Asks one thing after another" },
    async (_args, ctx) => {
      const first = await ctx.elicit("step1", {
        message: "Step 1: What is your name?",
        schema: z.object({ name: z.string() }),
      });
      const second = await ctx.elicit("step2", {
        message: "Step 2: What is your favorite color?",
        schema: z.object({ color: z.string() }),
      });
      return `${first.content?.name ?? "Somebody"} likes ${second.content?.color ?? "nothing"}`;
    },
  );

  server.tool(
    name("tampered_state"),
    { description: "Refuses changed state" },
    async (_args, ctx) => {
      await ctx.elicit("confirm", {
        message: "Please confirm",
        schema: z.object({ ok: z.boolean() }),
      });
      return "confirmed";
    },
  );

  server.tool(
    name("capabilities"),
    { description: "Asks only what the client offers" },
    async (_args, ctx) => {
      const { sampling, elicitation } = ctx.client.capabilities;
      if (sampling !== undefined) {
        const { content } = await ctx.sample("capital", question("What is the capital of France?"));
        return `The model says: ${JSON.stringify(content)}`;
      }
      if (elicitation !== undefined) {
        const { action } = await ctx.elicit("user_name", USER_NAME);
        return `The user chose: ${action}`;
      }
      return "This client can be asked nothing";
    },
  );
}
