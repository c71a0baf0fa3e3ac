import { z } from "zod";
import type { SdkAuthInfo, SdkServer } from "./internal/sdk-shapes.ts";

/** What the tools below need of their SDK, which differs in each. */
export interface SdkHandlerContext {
  readonly signal: AbortSignal;
  readonly authInfo: SdkAuthInfo | undefined;
  readonly meta: Readonly<Record<string, unknown>>;
  progress(progress: number, total: number, message: string): Promise<void>;
  log(level: "debug" | "warning", data: string): Promise<void>;
  /** Without naming the request that it belongs to, as most SDK code does. */
  elicit(message: string, schema: object): Promise<{ action: string; content?: unknown }>;
  elicitUrl(message: string, url: string): Promise<{ action: string }>;
  /** Naming it. */
  elicitRelated(message: string, schema: object): Promise<{ action: string; content?: unknown }>;
  sample(text: string): Promise<{ model: string }>;
  roots(): Promise<{ roots: readonly { uri: string }[] }>;
  /** The SDK's own error −32042. */
  urlRequired(message: string, url: string): Error;
}

type Result = {
  content: { type: "text"; text: string }[];
  structuredContent?: Record<string, unknown>;
};

export interface FixtureTool {
  readonly input: z.ZodObject;
  readonly output?: z.ZodObject;
  readonly run: (
    // biome-ignore lint/suspicious/noExplicitAny: each tool knows its own schema
    args: any,
    context: SdkHandlerContext,
    state: FixtureState,
  ) => Promise<Result>;
}

/** What the fixture's handlers have seen, and what the tests tell them. */
export class FixtureState {
  readonly events: string[] = [];
  readonly subscribed: string[] = [];
  /** Holds `hold` calls back until it resolves. */
  readonly release: Promise<void>;
  open: () => void = () => {};
  pageOpened = false;

  constructor() {
    this.release = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}

/** A hosted server of one SDK, and the handles on it that tests need. */
export interface HostedFixture {
  readonly sdkServer: SdkServer;
  readonly state: FixtureState;
  addTool(name: string): void;
  removeTool(name: string): void;
  sendResourceUpdated(uri: string): Promise<void>;
  /** Asks and logs without being in any call. */
  elicitOutside(): Promise<unknown>;
  logOutside(): Promise<void>;
}

const NAME_FORM = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
const AGE_FORM = { type: "object", properties: { age: { type: "integer" } }, required: ["age"] };

function text(value: unknown): Result {
  return {
    content: [{ type: "text", text: typeof value === "string" ? value : JSON.stringify(value) }],
  };
}

/** The tools of the hosted server, the same for both SDKs. */
export const FIXTURE_TOOLS: Readonly<Record<string, FixtureTool>> = {
  add: {
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.object({ sum: z.number() }),
    run: async ({ a, b }) => {
      const structuredContent = { sum: a + b };
      return { ...text(structuredContent), structuredContent };
    },
  },
  fail: {
    input: z.object({}),
    run: async () => {
      throw new Error("the hosted tool failed");
    },
  },
  count: {
    input: z.object({ to: z.number() }),
    run: async ({ to }, context) => {
      for (let step = 1; step <= to; step++) await context.progress(step, to, `step ${step}`);
      return text("counted");
    },
  },
  log: {
    input: z.object({}),
    run: async (_args, context) => {
      await context.log("debug", "quiet");
      await context.log("warning", "loud");
      return text("logged");
    },
  },
  whoami: {
    input: z.object({}),
    run: async (_args, { authInfo, meta }) => {
      const { progressToken, ...own } = meta;
      return text({ authInfo, meta: own });
    },
  },
  wait: {
    input: z.object({}),
    run: (_args, { signal }, state) => {
      state.events.push("wait started");
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          state.events.push("wait aborted");
          resolve(text("too late"));
        });
      });
    },
  },
  hold: {
    input: z.object({ id: z.string() }),
    run: async ({ id }, context, state) => {
      state.events.push(`hold ${id}`);
      await state.release;
      const { content } = await context.elicit(`who are you, ${id}?`, NAME_FORM);
      return text({ id, content });
    },
  },
  interview: {
    input: z.object({}),
    run: async (_args, context, state) => {
      state.events.push("interview started");
      const name = await context.elicit("your name?", NAME_FORM);
      const age = await context.elicitRelated("your age?", AGE_FORM);
      const { model } = await context.sample("greet them");
      const { roots } = await context.roots();
      state.events.push("interview ended");
      return text({
        name: name.content,
        age: age.content,
        model,
        roots: roots.map(({ uri }) => uri),
      });
    },
  },
  pair: {
    input: z.object({}),
    run: async (_args, context) => {
      const answers = await Promise.all([
        context.elicit("your name?", NAME_FORM),
        context.elicit("your age?", AGE_FORM),
      ]);
      return text(answers.map(({ content }) => content));
    },
  },
  stubborn: {
    input: z.object({}),
    run: async (_args, context, state) => {
      try {
        await context.elicit("your name?", NAME_FORM);
      } catch {
        state.events.push(`stubborn went on, aborted: ${context.signal.aborted}`);
      }
      return text("never mind");
    },
  },
  open_page: {
    input: z.object({}),
    run: async (_args, context) =>
      text(await context.elicitUrl("look at this", "https://example.test/page")),
  },
  needs_page: {
    input: z.object({}),
    run: async (_args, context, state) => {
      if (!state.pageOpened) throw context.urlRequired("sign in", "https://example.test/sign-in");
      return text("signed in");
    },
  },
};
