import type { InputHandlers } from "@backplane/client";
import type { JsonObject } from "@backplane/protocol";

/**
 * A host that can be asked for everything, so that everything is declared, and that accepts every form.
 * @param form what is filled in.
 * @param whileAsked done before a form is answered.
 */
export function createHost(form: JsonObject, whileAsked: () => Promise<unknown>): InputHandlers {
  return {
    elicit: {
      form: async () => {
        await whileAsked();
        return { action: "accept", content: form as Record<string, string | number | boolean> };
      },
      url: () => ({ action: "decline" }),
    },
    sample: () => ({
      role: "assistant",
      model: "none",
      content: { type: "text", text: "There is no model behind this client." },
    }),
    roots: [],
  };
}
