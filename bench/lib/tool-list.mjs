// The tools as `tools/list` shows them, for the bare server, which has no schema library of its own.
import { z } from "zod";
import { tools } from "./workload.mjs";

export const toolList = tools.map(({ name, description, schema }) => ({
  name,
  description,
  inputSchema: z.toJSONSchema(schema),
}));
