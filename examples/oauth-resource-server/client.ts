import { clientCredentials, oauth } from "@backplane/auth/client";
import { createLoopbackInteraction } from "@backplane/auth/node";
import { MCPClient } from "@backplane/client";
import { z } from "zod";

/** On behalf of a user: the refusals of the server lead to the sign-in, and later to the wider scope. */
export async function takeNote(url: string, open: (link: string) => unknown): Promise<unknown> {
  const client = new MCPClient({
    url,
    auth: oauth({
      interaction: createLoopbackInteraction({ open }),
      registration: { clientName: "Note taker" },
    }),
  });
  try {
    await client.connect();
    await client.call("write_note", { text: "Buy milk" });
    return await client.call("read_notes", {});
  } finally {
    await client.close();
  }
}

/** A program on its own behalf, with a secret from its environment. */
export async function countNotes(url: string, issuer: string): Promise<number> {
  const auth = clientCredentials({ clientId: "night-job", clientSecret: "night-secret", issuer });
  const client = new MCPClient({ url, auth });
  try {
    await client.connect();
    const output = z.object({ notes: z.array(z.string()) });
    return (await client.call("read_notes", {}, { output })).notes.length;
  } finally {
    await client.close();
  }
}
