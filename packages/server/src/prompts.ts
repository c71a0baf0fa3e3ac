import type {
  GetPromptResult,
  Icon,
  InputContext,
  Prompt,
  PromptMessage,
} from "@backplane/protocol";
import { checkMembers } from "@backplane/protocol";
import type { Completer } from "./completions.ts";
import { checkPromptMessage } from "./content-check.ts";
import type { RegisteredPrimitive } from "./primitive-table.ts";
import { PROTECTION_MEMBERS, type ProtectionOptions, protectionOf } from "./protection.ts";

/** One argument of a prompt. Arguments are strings on the wire. */
export interface PromptArgumentOptions {
  readonly title?: string;
  readonly description?: string;
  /** Default false. */
  readonly required?: boolean;
  /** Suggests values while the user types. */
  readonly complete?: Completer;
}

/** Everything about a prompt but its name and its code. */
export interface PromptOptions<
  Arguments extends Readonly<Record<string, PromptArgumentOptions>> = Readonly<
    Record<string, PromptArgumentOptions>
  >,
> extends ProtectionOptions {
  readonly title?: string;
  readonly description?: string;
  readonly arguments?: Arguments;
  readonly icons?: readonly Icon[];
  readonly meta?: Record<string, unknown>;
}

/** The arguments that a prompt's handler receives: required ones are always there. */
export type PromptArguments<Arguments> = {
  readonly [Name in keyof Arguments]: Arguments[Name] extends { readonly required: true }
    ? string
    : string | undefined;
};

/** A string is one user message; messages and a full result are taken as they are. */
export type PromptReturn = string | readonly PromptMessage[] | GetPromptResult;

/**
 * The code of a prompt. A thrown `MCPError` is a JSON-RPC error; of anything else the client sees a
 * correlation id only.
 */
export type PromptHandler<Arguments> = (
  args: PromptArguments<Arguments>,
  context: InputContext,
) => PromptReturn | Promise<PromptReturn>;

export interface RegisteredPrompt extends RegisteredPrimitive {
  readonly definition: Prompt;
  readonly arguments: Readonly<Record<string, PromptArgumentOptions>>;
  readonly handler: (args: never, context: InputContext) => PromptReturn | Promise<PromptReturn>;
}

const MEMBERS: readonly string[] = [
  ...(["title", "description", "arguments", "icons", "meta"] satisfies (keyof PromptOptions)[]),
  ...PROTECTION_MEMBERS,
];
const ARGUMENT_MEMBERS: readonly string[] = [
  "title",
  "description",
  "required",
  "complete",
] satisfies (keyof PromptArgumentOptions)[];

/** @throws {TypeError} for an empty name, an unknown option, or a handler that is no function. */
export function registerPrompt(
  name: string,
  options: PromptOptions,
  handler: RegisteredPrompt["handler"],
): RegisteredPrompt {
  if (typeof name !== "string" || name === "") {
    throw new TypeError("prompt: the name must be a string that is not empty");
  }
  if (typeof handler !== "function") throw new TypeError(`prompt "${name}": no handler function`);
  checkMembers(`prompt "${name}"`, options, MEMBERS);
  const args = options.arguments ?? {};
  for (const [argument, given] of Object.entries(args)) {
    checkMembers(`prompt "${name}": argument "${argument}"`, given, ARGUMENT_MEMBERS);
  }
  const listed = Object.entries(args).map(([argument, { title, description, required }]) => ({
    name: argument,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(required !== undefined && { required }),
  }));
  return {
    key: name,
    enabled: true,
    protection: protectionOf("prompt", name, options),
    definition: {
      name,
      ...(options.title !== undefined && { title: options.title }),
      ...(options.description !== undefined && { description: options.description }),
      ...(listed.length > 0 && { arguments: listed }),
      ...(options.icons !== undefined && { icons: options.icons }),
      ...(options.meta !== undefined && { _meta: options.meta }),
    },
    arguments: args,
    handler,
  };
}

/**
 * Gives what a handler returned the form of a result.
 * @throws {TypeError} for messages that clients could not read.
 */
export function toPromptResult(prompt: RegisteredPrompt, value: PromptReturn): GetPromptResult {
  const { description } = prompt.definition;
  const described = description === undefined ? {} : { description };
  if (typeof value === "string") {
    return {
      ...described,
      messages: [{ role: "user", content: { type: "text", text: value } }],
    };
  }
  const result = "messages" in value ? value : { ...described, messages: value };
  result.messages.forEach((message, index) => {
    checkPromptMessage(message, `prompt "${prompt.key}": messages[${index}]`);
  });
  return result;
}
