import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MCPServer } from "@backplane/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ContractError, checkContract, surfaceOf } from "./index.ts";
import { weatherServer } from "./weather-server.test-support.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "contract-"));
  file = join(folder, "contracts", "weather.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Shape {
  readonly input?: z.ZodType;
  readonly description?: string;
}

/** A server whose one tool can be changed. */
function server({
  input = z.object({ location: z.string().min(1) }),
  description = "Now",
}: Shape = {}) {
  return () => {
    const made = new MCPServer({ name: "weather", version: "1.0.0" });
    made.tool("get_weather", { description, input: input as never }, () => "sunny");
    made.prompt("plan", { arguments: { day: {} } }, () => "plan");
    made.resource("weather://now", {}, () => "sunny");
    made.resource("weather://{city}", {}, () => "sunny");
    return made;
  };
}

async function refusal(target: Parameters<typeof checkContract>[0]): Promise<ContractError> {
  const error: unknown = await checkContract(target, file, { update: false }).catch((e) => e);
  if (!(error instanceof ContractError)) throw error ?? new Error("nothing was refused");
  return error;
}

describe("a contract", () => {
  it("is written once, and holds while nothing changes", async () => {
    expect((await refusal(server())).message).toContain("UPDATE_CONTRACTS=1");
    await checkContract(server(), file, { update: true });
    await checkContract(server(), file);
    await checkContract(server(), pathToFileURL(file), { client: { protocol: "legacy" } }).catch(
      // The capabilities that are declared differ by era, and nothing else does.
      (error: ContractError) => {
        expect(new Set(error.changes.map(({ where }) => where))).toEqual(new Set(["capabilities"]));
      },
    );
    const written = JSON.parse(readFileSync(file, "utf8")) as Record<string, object>;
    expect(Object.keys(written)).toEqual(Object.keys(written).sort());
    expect(Object.keys(written["resourceTemplates"] as object)).toEqual(["weather://{city}"]);
  });

  it("names each change of a tool's schema, and where it is", async () => {
    await checkContract(server(), file, { update: true });
    const input = z.object({ location: z.string().min(2), unit: z.enum(["C", "F"]) });
    const { message, changes } = await refusal(server({ input, description: "Later" }));
    expect(message).toContain(
      [
        "  tool get_weather",
        '    description: "Now" → "Later"',
        "    inputSchema.properties.location.minLength: 1 → 2",
        '    inputSchema.properties.unit: added {"enum":["C","F"],"type":"string"}',
        '    inputSchema.required[]: added "unit"',
      ].join("\n"),
    );
    expect(changes).toHaveLength(4);
  });

  it("names what came and what went", async () => {
    await checkContract(server(), file, { update: true });
    const { message } = await refusal(() => {
      const made = new MCPServer({ name: "weather", version: "2.0.0", instructions: "Ask first" });
      made.tool("get_climate", {}, () => "mild");
      return made;
    });
    expect(message).toContain("  tool get_climate: added\n  tool get_weather: removed");
    expect(message).toContain("  prompt plan: removed");
    expect(message).toContain("  instructions: added");
    expect(message).toContain("resource template weather://{city}: removed");
    expect(message).not.toContain("2.0.0");
  });

  it("does not take the order of sets for a change", async () => {
    const input = (required: string[]) => ({
      type: "object",
      properties: { a: {}, b: {} },
      required,
    });
    await checkContract(server({ input: input(["a", "b"]) as never }), file, { update: true });
    await checkContract(server({ input: input(["b", "a"]) as never }), file);
  });

  it("that is no JSON fails as such", async () => {
    await checkContract(server(), file, { update: true });
    writeFileSync(file, "{");
    await expect(checkContract(server(), file)).rejects.toThrow(SyntaxError);
  });
});

it("a surface is what one caller sees", async () => {
  const surface = await surfaceOf(weatherServer, { protocol: "legacy" });
  expect(surface.name).toBe("weather");
  expect(surface.prompts).toEqual({});
  expect(Object.keys(surface.tools)).toContain("get_weather");
  expect(surface.tools["get_weather"]?.inputSchema).toMatchObject({ required: ["location"] });
});
