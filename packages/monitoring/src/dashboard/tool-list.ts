import { clip, isJsonObject, type JsonObject } from "@backplane/protocol";
import type { ServerClient } from "./server-client.ts";

const MAX_TOOLS = 2_000;
const MAX_PAGES = 200;
/** Longest JSON of one tool's schemas, and of all that are sent with the list. */
const MAX_SCHEMA_LENGTH = 65_536;
const MAX_SCHEMAS_LENGTH = 2_000_000;
const MAX_DESCRIPTION_LENGTH = 2_000;

/** The tools that the client's principal may call, with their schemas while these have room. */
export async function toolList(client: ServerClient): Promise<JsonObject> {
  const tools: JsonObject[] = [];
  let room = MAX_SCHEMAS_LENGTH;
  let cursor: unknown;
  for (let page = 0; page < MAX_PAGES && tools.length < MAX_TOOLS; page++) {
    const answer = await client.request(
      "tools/list",
      (cursor === undefined ? {} : { cursor }) as JsonObject,
    );
    if ("error" in answer) return { tools, error: clip(String(answer.error.message), 500) };
    const listed = Array.isArray(answer.result["tools"]) ? answer.result["tools"] : [];
    for (const tool of listed.filter(isJsonObject).slice(0, MAX_TOOLS - tools.length)) {
      const { inputSchema, outputSchema, annotations, title, description } = tool;
      const schemas = { inputSchema, outputSchema };
      const { length } = JSON.stringify(schemas);
      const fits = length <= MAX_SCHEMA_LENGTH && length <= room;
      if (fits) room -= length;
      tools.push({
        // The whole name: it is what a call has to say.
        name: tool["name"],
        ...(typeof title === "string" && { title: clip(title, 200) }),
        ...(typeof description === "string" && {
          description: clip(description, MAX_DESCRIPTION_LENGTH),
        }),
        ...(isJsonObject(annotations) && { annotations }),
        ...(fits ? schemas : { schemaLength: length }),
      } as JsonObject);
    }
    cursor = answer.result["nextCursor"];
    if (typeof cursor !== "string") break;
  }
  return { tools, ...(typeof cursor === "string" && { more: true }) };
}
