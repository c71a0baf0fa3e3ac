import { MCPClient } from "@backplane/client";

// Nothing listens there: it has to try, and to say so.
const client = new MCPClient({ url: "http://127.0.0.1:1/mcp", maxRetries: 0, timeoutMs: 2_000 });
const outcome = await client.connect().catch((error: unknown) => error);
await client.close();
if (!(outcome instanceof Error)) throw new Error("connected to nothing");
