import {
  checkMembers,
  checkMethods,
  invalidParams,
  type RequestContext,
  type Resource,
} from "@backplane/protocol";
import type {
  Completion,
  ProvidedContents,
  ProvidedTemplate,
  ResourceListRequest,
  ResourcePage,
  ResourceProvider,
  StopWatching,
  TemplateCompletionRequest,
} from "@backplane/server";
import { checkUriPrefix } from "./internal/uri.ts";

/** One provider, and where its resources stand. */
export interface Mount {
  /** What its URIs begin with outside, such as `app://handbook/`. No mount's prefix begins another's. */
  readonly prefix: string;
  readonly provider: ResourceProvider;
  /**
   * What the provider's own URIs begin with, which `prefix` takes the place of; what lies beside it is not
   * mounted. Default: `prefix` itself, so that nothing is renamed.
   */
  readonly base?: string;
}

/** What `new CompositeResourceProvider` takes. */
export interface CompositeResourceProviderOptions {
  /** Unique at a server. Default `composite`. */
  readonly name?: string;
  readonly mounts: readonly Mount[];
}

const SUBJECT = "CompositeResourceProvider";
const KNOWN: readonly string[] = [
  "name",
  "mounts",
] satisfies (keyof CompositeResourceProviderOptions)[];
/** A cursor: the mount, and the cursor of its provider. */
const PLACE = /^(\d{1,6}) (.*)$/su;
const MOUNT_KNOWN: readonly string[] = ["prefix", "provider", "base"] satisfies (keyof Mount)[];

/** Several providers as one, each mounted under a prefix of its own. */
export class CompositeResourceProvider implements ResourceProvider {
  readonly name: string;
  readonly #mounts: readonly Required<Mount>[];

  /** @throws {TypeError} for an option that is unknown or illegal, or prefixes that overlap. */
  constructor(options: CompositeResourceProviderOptions) {
    checkMembers(SUBJECT, options, KNOWN);
    this.name = options.name ?? "composite";
    if (!Array.isArray(options.mounts) || options.mounts.length === 0) {
      throw new TypeError(`${SUBJECT}: option "mounts" must be a list of at least one mount`);
    }
    this.#mounts = (options.mounts as readonly Mount[])
      .map((mount, index) => {
        const subject = `${SUBJECT}: option "mounts[${index}]"`;
        checkMembers(subject, mount, MOUNT_KNOWN);
        const prefix = checkUriPrefix(subject, mount.prefix);
        const base = checkUriPrefix(subject, mount.base ?? prefix);
        if (mount.provider === undefined) throw new TypeError(`${subject} has no provider`);
        checkMethods(subject, "provider", mount.provider, ["locate", "list", "read"]);
        return { prefix, base, provider: mount.provider };
      })
      // The order of the list, whatever the order of the option.
      .sort((left, right) => (left.prefix < right.prefix ? -1 : 1));
    for (const [index, { prefix }] of this.#mounts.entries()) {
      if (this.#mounts[index + 1]?.prefix.startsWith(prefix) === true) {
        throw new TypeError(`${SUBJECT}: a mount's prefix begins another's: "${prefix}"`);
      }
    }
  }

  locate(uri: string): string | undefined {
    const found = this.#find(uri);
    return found && `${found.mount.prefix}${found.inner.slice(found.mount.base.length)}`;
  }

  async list(request: ResourceListRequest, context: RequestContext): Promise<ResourcePage> {
    const { prefix = "", limit } = request;
    const place = PLACE.exec(request.cursor ?? "0 ");
    if (place === null) throw invalidParams("the cursor is not one that this server gave");
    const start = Number(place[1]);
    let cursor = place[2] === "" ? undefined : place[2];
    const resources: Resource[] = [];
    for (let index = start; index < this.#mounts.length; index++) {
      const mount = this.#mounts[index] as Required<Mount>;
      const inner = innerPrefix(mount, prefix);
      if (inner === undefined) continue;
      if (resources.length === limit) return { resources, nextCursor: `${index} ` };
      const wanted = { cursor, limit: limit - resources.length, prefix: inner };
      const page = await mount.provider.list(wanted, context);
      for (const resource of page.resources) {
        if (!resource.uri.startsWith(inner)) throw notAskedFor(mount, resource.uri);
        resources.push({ ...resource, uri: outer(mount, resource.uri) });
      }
      if (page.nextCursor !== undefined) {
        return { resources, nextCursor: `${index} ${page.nextCursor}` };
      }
      cursor = undefined;
    }
    return { resources };
  }

  async read(uri: string, context: RequestContext): Promise<ProvidedContents | undefined> {
    const found = this.#find(uri);
    return found?.mount.provider.read(found.inner, context);
  }

  /** Those of the mounted parts; a template that begins elsewhere cannot be mounted and is left out. */
  templates(): readonly ProvidedTemplate[] {
    return this.#mounts.flatMap((mount) =>
      (mount.provider.templates?.() ?? [])
        .filter(({ uriTemplate }) => uriTemplate.startsWith(mount.base))
        .map((template) => ({ ...template, uriTemplate: outer(mount, template.uriTemplate) })),
    );
  }

  async complete(request: TemplateCompletionRequest, context: RequestContext): Promise<Completion> {
    const mount = this.#mounts.find(({ prefix }) => request.uriTemplate.startsWith(prefix));
    if (mount?.provider.complete === undefined) return [];
    const uriTemplate = `${mount.base}${request.uriTemplate.slice(mount.prefix.length)}`;
    return mount.provider.complete({ ...request, uriTemplate }, context);
  }

  async watch(uri: string, onChange: () => void): Promise<StopWatching> {
    const found = this.#find(uri);
    return (await found?.mount.provider.watch?.(found.inner, onChange)) ?? (() => {});
  }

  /** @throws what the first provider throws that cannot watch; the watches of the others are ended then. */
  async watchList(onChange: () => void): Promise<StopWatching> {
    const begun = await Promise.allSettled(
      this.#mounts.map(({ provider }) => provider.watchList?.(onChange)),
    );
    const stops = begun.flatMap((each) => (each.status === "fulfilled" && each.value) || []);
    const stopAll = async (): Promise<void> => {
      await Promise.all(stops.map((stop) => stop()));
    };
    const failed = begun.find((each) => each.status === "rejected");
    if (failed === undefined) return stopAll;
    await stopAll();
    throw failed.reason;
  }

  #find(uri: string): { mount: Required<Mount>; inner: string } | undefined {
    const mount = this.#mounts.find(({ prefix }) => uri.startsWith(prefix));
    if (mount === undefined) return undefined;
    const inner = mount.provider.locate(`${mount.base}${uri.slice(mount.prefix.length)}`);
    // Its one spelling may lie outside of what is mounted.
    return inner?.startsWith(mount.base) ? { mount, inner } : undefined;
  }
}

/** Renamed all the same, it would look like a resource of the mount's own. */
function notAskedFor({ provider }: Required<Mount>, uri: string): TypeError {
  return new TypeError(
    `${SUBJECT}: the provider "${provider.name}" lists "${uri}", which is outside of what it was asked for`,
  );
}

function outer({ prefix, base }: Required<Mount>, uri: string): string {
  return `${prefix}${uri.slice(base.length)}`;
}

/** What a mount's own URIs must begin with so that they begin with `prefix` outside; undefined when none can. */
function innerPrefix(mount: Required<Mount>, prefix: string): string | undefined {
  if (mount.prefix.startsWith(prefix)) return mount.base;
  return prefix.startsWith(mount.prefix)
    ? `${mount.base}${prefix.slice(mount.prefix.length)}`
    : undefined;
}
