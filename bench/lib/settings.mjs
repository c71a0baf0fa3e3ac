// What a server process is told by the runner, and the defaults for starting one by hand.

export const port = Number(process.env.PORT ?? 3000);
/** Number of registered tools; the one that is called comes first. */
export const toolCount = Number(process.env.TOOLS ?? 1);
/** Which tool is called: `echo`, `relay` (passes the signal on) or `count` (reports progress). */
export const calledTool = process.env.TOOL ?? "echo";
/** `stateless` or `session`, for servers that must choose one. */
export const mode = process.env.MODE ?? "stateless";
export const serverInfo = { name: "bench", version: "1.0.0" };
export const progressSteps = 10;
