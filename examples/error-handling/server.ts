import { MCPError, MCPServer, MCPTool, ToolExecutionError } from "@backplane/server";
import { z } from "zod";

class ValidationError extends Error {
  readonly field: string;
  readonly value: unknown;

  constructor(field: string, value: unknown) {
    super(`${field} must not be negative`);
    this.field = field;
    this.value = value;
  }
}

class ExternalServiceError extends Error {}

const input = z.object({ amount: z.number() });

class PriceTool extends MCPTool<typeof input> {
  readonly name = "get_price";
  readonly options = { description: "Price of an amount", input };
  #outages = 1;

  async execute({ amount }: z.infer<typeof input>) {
    try {
      return await this.#price(amount);
    } catch (error) {
      if (error instanceof ValidationError) {
        throw new MCPError(-1001, `Invalid input: ${error.message}`, {
          data: { field: error.field, value: error.value },
        });
      }
      if (error instanceof ExternalServiceError) {
        // The model reads it, and the client knows when to come back.
        throw new ToolExecutionError(-2001, "External service unavailable", { retryAfterMs: 50 });
      }
      console.error("unexpected error in tool execution", error);
      throw new MCPError(-3000, "Internal server error");
    }
  }

  /** Stands for a service that is away once, and has a bug. */
  async #price(amount: number) {
    if (amount < 0) throw new ValidationError("amount", amount);
    if (this.#outages-- > 0) throw new ExternalServiceError("connect ECONNREFUSED");
    if (amount > 1_000) throw new RangeError("the price table ends at 1000");
    return { price: amount * 3 };
  }
}

const server = new MCPServer({ name: "prices", version: "1.0.0" });
server.addTool(new PriceTool());

// What a handler does not translate is masked: the client sees a fixed text and an id for the log.
server.tool("get_rate", { description: "Exchange rate" }, () => {
  throw new Error("password=hunter2 is wrong");
});

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
