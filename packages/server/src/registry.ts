import type { ServerCapabilities } from "@backplane/protocol";
import { PrimitiveTable } from "./primitive-table.ts";
import type { RegisteredPrompt } from "./prompts.ts";
import type { RegisteredProvider } from "./provider-registration.ts";
import type { RegisteredResource, RegisteredTemplate } from "./resources.ts";
import type { RegisteredTool } from "./tools.ts";

/** The three lists whose change clients are told of. */
export type ListKind = "tools" | "prompts" | "resources";

/** Everything that is registered, and which capabilities follow from it. */
export class Registry {
  readonly tools: PrimitiveTable<RegisteredTool>;
  readonly prompts: PrimitiveTable<RegisteredPrompt>;
  readonly resources: PrimitiveTable<RegisteredResource>;
  readonly templates: PrimitiveTable<RegisteredTemplate>;
  readonly providers: PrimitiveTable<RegisteredProvider>;
  readonly #declared: ReadonlySet<string>;

  constructor(declared: ReadonlySet<string>, onChange: (kind: ListKind) => void) {
    this.#declared = declared;
    this.tools = new PrimitiveTable("tool", () => onChange("tools"));
    this.prompts = new PrimitiveTable("prompt", () => onChange("prompts"));
    this.resources = new PrimitiveTable("resource", () => onChange("resources"));
    this.templates = new PrimitiveTable("resource template", () => onChange("resources"));
    this.providers = new PrimitiveTable("resource provider", () => onChange("resources"));
  }

  /** What the server can do now: a list is declared exactly when it would be answered. */
  capabilities(): ServerCapabilities {
    return {
      logging: {},
      ...(this.declares("tools") && { tools: { listChanged: true } }),
      ...(this.declares("prompts") && { prompts: { listChanged: true } }),
      ...(this.declares("resources") && { resources: { listChanged: true, subscribe: true } }),
      ...(this.declares("completions") && { completions: {} }),
    };
  }

  /** Every scope that a primitive demands, each once, sorted. */
  scopes(): readonly string[] {
    const tables = [this.tools, this.prompts, this.resources, this.templates, this.providers];
    const all = tables.flatMap((table) =>
      table.ordered().flatMap((each) => each.protection.scopes),
    );
    return [...new Set(all)].sort();
  }

  declares(capability: keyof ServerCapabilities): boolean {
    switch (capability) {
      case "tools":
        return this.#declared.has("tools") || !this.tools.isEmpty;
      case "prompts":
        return this.#declared.has("prompts") || !this.prompts.isEmpty;
      case "resources":
        return (
          this.#declared.has("resources") ||
          !this.resources.isEmpty ||
          !this.templates.isEmpty ||
          !this.providers.isEmpty
        );
      case "completions":
        return this.declares("prompts") || this.declares("resources");
      default:
        return capability === "logging";
    }
  }
}
