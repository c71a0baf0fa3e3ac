import type { InputContext, StandardSchemaV1 } from "@backplane/protocol";
import { MCPServer, type StartedServer } from "./mcp-server.ts";
import { objectSchema } from "./object-schema.ts";
import type { ToolReturn } from "./tools.ts";

type Fields = Readonly<Record<string, StandardSchemaV1>>;

type FieldValues<Input extends Fields> = {
  [Name in keyof Input]: StandardSchemaV1.InferOutput<Input[Name]>;
};

/**
 * The short face of {@link MCPServer}, for servers of ten lines: the same engine and the same defaults.
 */
export class SimpleMCPServer {
  /** The server behind it, for everything that has no short form. */
  readonly server: MCPServer;

  constructor(name: string, version = "0.0.0") {
    this.server = new MCPServer({ name, version });
  }

  /**
   * Registers a tool. `input` names the arguments, each with a Standard Schema; the handler may be
   * synchronous.
   */
  tool<const Input extends Fields>(
    name: string,
    description: string,
    input: Input,
    handler: (args: FieldValues<Input>, context: InputContext) => ToolReturn<undefined>,
  ): this {
    this.server.tool(name, { description, input: objectSchema(input, name) }, (args, context) =>
      handler(args as FieldValues<Input>, context),
    );
    return this;
  }

  /** Serves stdio, or HTTP when a port is given, until SIGTERM, SIGINT or the end of stdin. */
  run(options: { readonly port?: number; readonly host?: string } = {}): Promise<StartedServer> {
    return this.server.start(
      options.port === undefined
        ? { transport: "stdio", signals: true }
        : { ...options, signals: true },
    );
  }
}
