import type { JsonObject } from "@backplane/protocol";
import type { ChangeEvent, ListenFilter } from "../subscription-types.ts";

/** The lists that a server can say have changed. */
export type ListKind = "tools" | "prompts" | "resources";

/** The member of a filter that stands for each list. */
export const LIST_MEMBERS: Readonly<Record<ListKind, keyof ListenFilter>> = {
  tools: "toolsListChanged",
  prompts: "promptsListChanged",
  resources: "resourcesListChanged",
};

/** In the order in which changes are told. */
export const LIST_KINDS: readonly ListKind[] = ["tools", "prompts", "resources"];

const LISTS_BY_METHOD: ReadonlyMap<string, ListKind> = new Map(
  LIST_KINDS.map((kind) => [`notifications/${kind}/list_changed`, kind]),
);

/** The change that a notification tells of; undefined for any other notification. */
export function changeOf(method: string, params: JsonObject): ChangeEvent | undefined {
  const kind = LISTS_BY_METHOD.get(method);
  if (kind !== undefined) return { kind };
  return method === "notifications/resources/updated" && typeof params.uri === "string"
    ? { kind: "resource", uri: params.uri }
    : undefined;
}

/** Whether a resource is another one or a part of it, as far as URIs tell (spec: patterns/subscriptions). */
export function isWithin(part: string, whole: string): boolean {
  if (!part.startsWith(whole)) return false;
  return (
    part.length === whole.length || whole.endsWith("/") || "/?#".includes(part.charAt(whole.length))
  );
}
