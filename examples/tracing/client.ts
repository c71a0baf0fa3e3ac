import { MCPClient } from "@backplane/client";
import { clientTracing } from "@backplane/monitoring";

/** A call whose trace begins here and goes on in the server. */
export async function askForWeather(url: string, location: string): Promise<unknown> {
  await using client = new MCPClient({ url });
  client.use(clientTracing());
  return await client.call("get_weather", { location });
}
