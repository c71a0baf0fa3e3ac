import { type MCPServer, MCPTool, type ToolArguments } from "@backplane/server";
import { z } from "zod";
import { FOR_OPERATORS } from "../access/policy.ts";
import { codes, invalidInput, upstreamUnavailable } from "../errors.ts";

const Input = z.object({
  failure: z
    .enum(["invalid", "unavailable", "internal"])
    .describe(
      `invalid: ${codes.invalidInput}; unavailable: ${codes.upstreamUnavailable} with a time to retry; internal: ${codes.internal}, whose cause is in the server's log alone`,
    ),
});

const RETRY_AFTER_MS = 2_000;

/** Fails in each way in which tools fail here, so that a client's handling of it can be tried out. */
class FailOnPurposeTool extends MCPTool<typeof Input> {
  readonly name = "fail_on_purpose";
  readonly options = {
    title: "Fail on purpose",
    description: "Fails in the way that is asked for, to try out how a client handles it",
    input: Input,
    annotations: { readOnlyHint: true, openWorldHint: false },
    tags: [FOR_OPERATORS],
  };

  execute({ failure }: ToolArguments<typeof Input>): never {
    if (failure === "invalid") {
      throw invalidInput("failure", failure, "Invalid on purpose.");
    }
    if (failure === "unavailable") {
      throw upstreamUnavailable("Unavailable on purpose.", RETRY_AFTER_MS);
    }
    // What no caller may see.
    throw new Error("connect to db-7.internal as backplane failed");
  }
}

export function registerFailOnPurpose(server: MCPServer): void {
  server.addTool(new FailOnPurposeTool());
}
