import type { InputContext } from "@backplane/server";

/** Whether the client can put a form before its user. An empty declaration means that it can (spec: client/elicitation). */
export function canAsk({ client }: Pick<InputContext, "client">): boolean {
  const { elicitation } = client.capabilities;
  return (
    elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)
  );
}
