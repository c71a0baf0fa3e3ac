import type { ToolDefinition } from "@backplane/server";
import { z } from "zod";
import { invalidInput, quote } from "../errors.ts";

const common = {
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/),
  title: z.string().optional(),
  description: z.string().min(1),
};

/** A number in one unit becomes one in another: `value * factor + offset`. */
const Convert = z.strictObject({
  ...common,
  kind: z.literal("convert"),
  from: z.string().min(1),
  to: z.string().min(1),
  factor: z.number(),
  offset: z.number().default(0),
});

/** A text stands for each of some words. */
const Lookup = z.strictObject({
  ...common,
  kind: z.literal("lookup"),
  argument: z.string().min(1),
  entries: z.record(z.string(), z.string()),
});

/** What a tools file holds. */
export const ToolsFile = z.strictObject({
  tools: z
    .array(z.discriminatedUnion("kind", [Convert, Lookup]))
    .refine((tools) => new Set(tools.map(({ name }) => name)).size === tools.length, {
      message: "two tools have the same name",
    }),
});

export type ToolConfig = z.output<typeof ToolsFile>["tools"][number];

const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false };

/** Makes a tool of its description. */
export function fromConfig(config: ToolConfig): ToolDefinition {
  return config.kind === "convert" ? converter(config) : lookup(config);
}

function converter({ kind: _kind, from, to, factor, offset, ...rest }: z.output<typeof Convert>) {
  const number = (unit: string) => z.number().describe(`In ${unit}`);
  return {
    ...rest,
    annotations,
    input: z.object({ value: number(from) }),
    output: z.object({ value: number(to), unit: z.string() }),
    handler: ({ value }: { value: number }) => ({ value: value * factor + offset, unit: to }),
  } as ToolDefinition;
}

function lookup({ kind: _kind, argument, entries, ...rest }: z.output<typeof Lookup>) {
  const known = Object.keys(entries);
  return {
    ...rest,
    annotations,
    input: {
      type: "object",
      properties: { [argument]: { type: "string", description: `One of ${known.join(", ")}` } },
      required: [argument],
    },
    output: z.object({ [argument]: z.string(), text: z.string() }),
    handler: (args: Record<string, unknown>) => {
      const word = args[argument] as string;
      const text = Object.hasOwn(entries, word) ? entries[word] : undefined;
      if (text === undefined) {
        throw invalidInput(argument, word, `${quote(word)} is unknown here.`, known);
      }
      return { [argument]: word, text };
    },
  } as ToolDefinition;
}
