import { EventEmitter, on } from "node:events";
import { MCPClient } from "@backplane/client";

/**
 * Follows a resource until it holds a text.
 * @param change makes the resource change, once somebody listens.
 * @returns what the client was told.
 */
export async function followConfig(
  url: string,
  uri: string,
  wanted: string,
  change: () => Promise<void>,
): Promise<readonly string[]> {
  const client = new MCPClient({ url });
  await client.connect();
  const told: string[] = [];
  const changes = new EventEmitter();
  try {
    // `on` keeps what comes while the last change is dealt with.
    const changed = on(changes, "change", { signal: AbortSignal.timeout(20_000) });
    const subscription = await client.subscribe(uri, (resourceUri, changeType) => {
      told.push(`Resource ${resourceUri} ${changeType}`);
      changes.emit("change");
    });
    await change();
    for await (const _ of changed) {
      // The notification says that something changed; what it is now is read.
      const { contents } = await client.readResource(uri);
      const [first] = contents;
      if (first !== undefined && "text" in first && first.text === wanted) break;
    }
    await subscription.close();
    return told;
  } finally {
    await client.close();
  }
}
