import { isJsonObject, type Resource } from "@backplane/protocol";
import type { Call } from "./call.ts";
import { encodePlace, type ProviderPlace } from "./pagination.ts";
import type { RegisteredProvider } from "./provider-registration.ts";

/**
 * Pages of a provider that are read for one page of the list at most: a policy may hide whole pages, and a
 * provider may answer empty ones. Then the client gets what there is, and goes on.
 */
const MAX_ROUNDS = 10;

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
  for (let round = 0; index < providers.length; round++) {
    const registered = providers[index] as RegisteredProvider;
    if (resources.length >= room || round >= MAX_ROUNDS) {
      return { resources, nextCursor: encodePlace({ provider: registered.key, cursor }) };
    }
    const limit = room - resources.length;
    const page = await registered.provider.list({ cursor, limit, prefix: undefined }, call);
    for (const resource of checkedPage(registered, page, limit)) {
      if (isVisible(registered, resource.uri)) resources.push(resource);
    }
    const { nextCursor } = page;
    if (nextCursor === undefined) index++;
    else if (typeof nextCursor !== "string" || nextCursor === cursor) {
      throw new TypeError(`resource provider "${registered.key}": its cursor leads nowhere`);
    }
    cursor = nextCursor;
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
