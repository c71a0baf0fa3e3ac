import { MCPServer } from "@backplane/server";
import { z } from "zod";

const server = new MCPServer({ name: "weather", version: "1.0.0" });

const climate = new Map([
  ["san francisco", { temperature: 16, condition: "fog" }],
  ["lisbon", { temperature: 22, condition: "sunny" }],
]);

server.tool(
  "get_weather",
  {
    description: "Current weather for a location",
    input: z.object({ location: z.string().min(1) }),
    output: z.object({ location: z.string(), temperature: z.number(), condition: z.string() }),
    annotations: { readOnlyHint: true },
  },
  ({ location }) => {
    const found = climate.get(location.toLowerCase()) ?? { temperature: 20, condition: "cloudy" };
    return { location, ...found };
  },
);

// Asks the user before it acts: the client's handler answers, in either protocol era.
server.tool(
  "book_trip",
  { description: "Book a trip", input: z.object({ location: z.string().min(1) }) },
  async ({ location }, ctx) => {
    const answer = await ctx.elicit("confirm", {
      message: `Book a trip to ${location}?`,
      schema: z.object({ travellers: z.number().int().min(1).default(1) }),
    });
    if (answer.action !== "accept") return { booked: false };
    return { booked: true, location, travellers: answer.content?.travellers };
  },
);

server.resource("weather://stations", { name: "stations", mimeType: "application/json" }, () =>
  JSON.stringify([...climate.keys()]),
);

const { url } = await server.start({ port: Number(process.env.PORT ?? 8080), signals: true });
console.log(`MCP server at ${url}`);
