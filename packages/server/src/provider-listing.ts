import { isJsonObject, type Resource } from "@backplane/protocol";
import type { Call } from "./call.ts";
import { encodePlace, type ProviderPlace } from "./pagination.ts";
import type { RegisteredProvider } from "./provider-registration.ts";

/**
 * Pages of a provider that are read for one page of the list at most: a policy may hide whole pages, and a
 * provider may answer empty ones. Then the client gets what there is, and goes on.
 */
const MAX_ROUNDS = 20;

/** What the policy lets the caller see. */
export type IsVisible = (provider: RegisteredProvider, uri: string) => boolean;

/**
 * Goes through the lists of the providers, in order of their names, from a place on.
 * @param room entries wanted, 1 or more.
 * @returns the entries, and where the list goes on; undefined at its end.
 * @throws {TypeError} for a provider that breaks its contract, which is masked like any mistake of a handler.
 */
export async function listProvided(
  call: Call,
  providers: readonly RegisteredProvider[],
  start: ProviderPlace | undefined,
  room: number,
  isVisible: IsVisible,
): Promise<{ readonly resources: readonly Resource[]; readonly nextCursor: string | undefined }> {
  const resources: Resource[] = [];
  // The provider of a cursor may have been removed: the list goes on with the one after it.
  let index = start === undefined ? 0 : providers.findIndex(({ key }) => key >= start.provider);
  if (index === -1) index = providers.length;
  let cursor = providers[index]?.key === start?.provider ? start?.cursor : undefined;
  // A place that a client may see: at a hidden entry, a cursor would tell its name.
  let told: { readonly count: number; readonly place: ProviderPlace } | undefined;
  for (let round = 0; index < providers.length; round++) {
    const registered = providers[index] as RegisteredProvider;
    const place = { provider: registered.key, cursor };
    if (resources.length >= room) return { resources, nextCursor: encodePlace(place) };
    if (round >= MAX_ROUNDS) {
      const last = told ?? { count: resources.length, place };
      return { resources: resources.slice(0, last.count), nextCursor: encodePlace(last.place) };
    }
    const limit = room - resources.length;
    const page = await registered.provider.list({ cursor, limit, prefix: undefined }, call);
    let endsVisibly = false;
    for (const resource of checkedPage(registered, page, limit)) {
      endsVisibly = isVisible(registered, resource.uri);
      if (endsVisibly) resources.push(resource);
    }
    const { nextCursor } = page;
    if (nextCursor === undefined) index++;
    else if (typeof nextCursor !== "string" || nextCursor === cursor) {
      throw new TypeError(`resource provider "${registered.key}": its cursor leads nowhere`);
    }
    cursor = nextCursor;
    const next = providers[index];
    if (next !== undefined && (endsVisibly || cursor === undefined)) {
      told = { count: resources.length, place: { provider: next.key, cursor } };
    }
  }
  return { resources, nextCursor: undefined };
}

/** An entry of a foreign URI would be served by somebody else, under another decision of the policy. */
function checkedPage(
  { key, provider }: RegisteredProvider,
  page: { readonly resources: readonly Resource[] },
  limit: number,
): readonly Resource[] {
  const resources: unknown = (page as Partial<typeof page> | undefined)?.resources;
  if (!Array.isArray(resources) || resources.length > limit) {
    throw new TypeError(`resource provider "${key}": a page must hold at most ${limit} resources`);
  }
  for (const resource of resources as unknown[]) {
    if (!isJsonObject(resource) || typeof resource.name !== "string") {
      throw new TypeError(`resource provider "${key}": a listed resource needs uri and name`);
    }
    const { uri } = resource;
    if (typeof uri !== "string" || provider.locate(uri) !== uri) {
      throw new TypeError(
        `resource provider "${key}": it lists "${String(uri)}", which "locate" does not know by this spelling`,
      );
    }
  }
  return resources;
}
