import {
  compileSchema,
  isJsonObject,
  isStandardSchema,
  type JsonSchema,
  type SchemaInput,
  type ValidationOutcome,
} from "@backplane/protocol";
import type { NodePorts } from "./workflow-node.ts";

/** An input of a node, as its schema describes it. */
export interface InputPort {
  readonly schema: JsonSchema | undefined;
  readonly required: boolean;
}

/** A node's ports, ready for the checks of the graph and for every run. */
export interface CompiledPorts {
  /** Undefined: the node takes whatever is connected. */
  readonly inputs: ReadonlyMap<string, InputPort> | undefined;
  /** Whether inputs beyond the named ones are taken. */
  readonly open: boolean;
  readonly validate:
    | ((value: unknown) => ValidationOutcome | Promise<ValidationOutcome>)
    | undefined;
  readonly outputs: ReadonlyMap<string, CompiledOutput>;
  /** The document that references inside of the input schemas point into. */
  readonly inputRoot: JsonSchema | undefined;
}

/** An output of a node. */
export interface CompiledOutput {
  readonly schema: JsonSchema | undefined;
  readonly conditional: boolean;
}

/**
 * Compiles the ports of a node.
 * @throws {SchemaError} for a schema that cannot be read; it names subject and place.
 */
export function compilePorts(ports: NodePorts, subject: string): CompiledPorts {
  const { input, checkInput = true } = ports;
  const outputs = new Map<string, CompiledOutput>();
  for (const [name, { schema, conditional = false }] of Object.entries(ports.outputs)) {
    const json = schema && toJsonSchema(schema, `${subject} output "${name}"`, "output");
    outputs.set(name, { schema: json, conditional });
  }
  if (input === undefined) {
    return { inputs: undefined, open: true, validate: undefined, outputs, inputRoot: undefined };
  }
  const compiled = checkInput
    ? compileSchema(input, { side: "input", subject: `${subject} input`, requireObjectRoot: true })
    : undefined;
  const root = compiled?.jsonSchema ?? (input as JsonSchema);
  return {
    inputs: inputPorts(root),
    // A schema that says so in words takes anything; one that is silent is taken at its named properties.
    open: root.additionalProperties === true || isJsonObject(root.additionalProperties),
    validate: compiled?.validate,
    outputs,
    inputRoot: root,
  };
}

/** The JSON Schema of what may be given as one. A foreign document is taken as it is: nothing is checked by it. */
function toJsonSchema(
  schema: SchemaInput,
  subject: string,
  side: "input" | "output",
): JsonSchema | undefined {
  if (!isStandardSchema(schema)) return isJsonObject(schema) ? schema : undefined;
  return compileSchema(schema, { side, subject, requireObjectRoot: false }).jsonSchema;
}

/** Compiles the schema of a workflow's own input. */
export function compileInput(
  schema: SchemaInput,
  subject: string,
): {
  readonly jsonSchema: JsonSchema;
  readonly validate: (value: unknown) => ValidationOutcome | Promise<ValidationOutcome>;
} {
  return compileSchema(schema, { side: "input", subject, requireObjectRoot: false });
}

function inputPorts(schema: JsonSchema): Map<string, InputPort> {
  const ports = new Map<string, InputPort>();
  const required = Array.isArray(schema.required) ? (schema.required as unknown[]) : [];
  if (isJsonObject(schema.properties)) {
    for (const [name, property] of Object.entries(schema.properties)) {
      const own = isJsonObject(property) ? property : undefined;
      // A default makes it optional, whatever the document says.
      const hasDefault = own !== undefined && Object.hasOwn(own, "default");
      ports.set(name, { schema: own, required: required.includes(name) && !hasDefault });
    }
  }
  for (const name of required) {
    if (typeof name === "string" && !ports.has(name)) {
      ports.set(name, { schema: undefined, required: true });
    }
  }
  return ports;
}
