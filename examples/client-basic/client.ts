import { MCPClient, MCPClientError } from "@backplane/client";
import { z } from "zod";

const Weather = z.object({ location: z.string(), temperature: z.number(), condition: z.string() });

/** What the program found out, for its check. */
export interface Report {
  readonly tools: readonly string[];
  readonly weather: z.infer<typeof Weather>;
  readonly stations: string;
  readonly trip: unknown;
  readonly gaveUp: boolean;
}

export async function useServer(url: string): Promise<Report> {
  const client = new MCPClient({
    url,
    timeoutMs: 30_000,
    maxRetries: 3,
    handlers: {
      elicit: {
        // An app shows `message` and a form here; the schema's defaults are filled in.
        form: ({ message }) =>
          message.includes("Lisbon") ? { action: "accept", content: {} } : { action: "decline" },
      },
    },
  });
  await client.connect();
  try {
    const tools = (await client.listTools()).map(({ name }) => name);
    const weather = await client.call(
      "get_weather",
      { location: "San Francisco" },
      { output: Weather },
    );
    const { contents } = await client.readResource("weather://stations");
    const trip = await client.call("book_trip", { location: "Lisbon" });

    // Every request can be given up, and says why it ended.
    let gaveUp = false;
    try {
      await client.call("get_weather", { location: "Lisbon" }, { signal: AbortSignal.abort() });
    } catch (error) {
      if (!MCPClientError.isInstance(error)) throw error;
      gaveUp = error.code === "aborted";
    }
    const [first] = contents;
    const stations = first !== undefined && "text" in first ? first.text : "";
    return { tools, weather, stations, trip, gaveUp };
  } finally {
    await client.close();
  }
}
