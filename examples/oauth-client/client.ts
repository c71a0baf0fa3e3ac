import { clientCredentials, oauth } from "@backplane/auth/client";
import { createLoopbackInteraction } from "@backplane/auth/node";
import { MCPClient } from "@backplane/client";

/** On behalf of a user, who signs in in a browser when the server asks for it. */
export async function readAsUser(url: string, open: (url: string) => unknown): Promise<unknown> {
  const auth = oauth({
    interaction: createLoopbackInteraction({ open }),
    registration: { clientName: "Notes reader" },
  });
  const client = new MCPClient({ url, auth });
  await client.connect();
  try {
    const notes = await client.call("read_notes", {});
    // Needs a scope that nobody asked for yet: the user is asked once more.
    await client.call("write_note", { text: "Buy milk" });
    return notes;
  } finally {
    await client.close();
  }
}

/** On its own behalf, with a secret from its environment. */
export async function readAsMachine(
  url: string,
  { clientSecret, issuer }: { clientSecret: string; issuer: string },
): Promise<unknown> {
  const auth = clientCredentials({ clientId: "night-job", clientSecret, issuer });
  const client = new MCPClient({ url, auth });
  await client.connect();
  try {
    return await client.call("read_notes", {});
  } finally {
    await client.close();
  }
}
