import { type ChaosOptions, type Chaotic, chaotic } from "@backplane/protocol/test-suite";
import type { ProvidedContents, ResourcePage, ResourceProvider } from "../resource-provider.ts";

/**
 * How a provider may lie: it has nothing (`forgets`), lists what is another's (`foreign`), more than was
 * asked for (`too-many`) or for ever (`endless`), answers what is no answer (`nonsense`), sends a stream that
 * breaks (`broken-stream`) or never ends (`flood`), or text that is none (`not-utf8`).
 */
export const PROVIDER_LIES = [
  "forgets",
  "foreign",
  "too-many",
  "endless",
  "nonsense",
  "broken-stream",
  "flood",
  "not-utf8",
] as const;

/** One way in which a provider answers what is not so. */
export type ProviderLie = (typeof PROVIDER_LIES)[number];

/** A provider that waits, throws and lies as told; `locate` and `templates` stay honest, as they do no I/O. */
export interface ChaoticProvider {
  readonly subject: ResourceProvider;
  /** Delays and throws, as in `@backplane/protocol/test-suite`. */
  readonly chaos: Required<ChaosOptions>;
  readonly failures: () => number;
  /** What it answers instead of the truth; undefined for the truth. */
  lie: ProviderLie | undefined;
}

/** The double around a provider. */
export function chaoticProvider(
  target: ResourceProvider,
  options: Parameters<typeof chaotic>[1] = {},
): ChaoticProvider {
  const chaos: Chaotic<ResourceProvider> = chaotic(target, options);
  const honest = chaos.subject;
  const double: ChaoticProvider = {
    chaos: chaos.chaos,
    failures: chaos.failures,
    lie: undefined,
    subject: {
      name: target.name,
      locate: (uri) => target.locate(uri),
      templates: () => target.templates?.() ?? [],
      list: async (request, context) => {
        const page = await honest.list(request, context);
        return lyingPage(double.lie, page, request.limit);
      },
      read: async (uri, context) =>
        lyingContents(double.lie, await honest.read(uri, context)) as ProvidedContents | undefined,
      ...(target.complete !== undefined && { complete: honest.complete }),
      ...(target.watch !== undefined && { watch: honest.watch }),
      ...(target.watchList !== undefined && { watchList: honest.watchList }),
    } as ResourceProvider,
  };
  return double;
}

function lyingPage(lie: ProviderLie | undefined, page: ResourcePage, limit: number): ResourcePage {
  const foreign = { uri: "chaos://somebody-else/secret", name: "secret" };
  switch (lie) {
    case "forgets":
      return { resources: [] };
    case "foreign":
      return { ...page, resources: [foreign] };
    case "too-many":
      return { resources: Array.from({ length: limit + 1 }, () => page.resources[0] ?? foreign) };
    case "endless":
      return { resources: [], nextCursor: "for ever" };
    case "nonsense":
      return { resources: "all of them" } as never;
    default:
      return page;
  }
}

function lyingContents(lie: ProviderLie | undefined, contents: unknown): unknown {
  switch (lie) {
    case "forgets":
      return undefined;
    case "nonsense":
      return { body: 42 };
    case "broken-stream":
      return { body: brokenStream() };
    case "flood":
      return { body: flood() };
    case "not-utf8":
      return { body: Uint8Array.of(0xc3, 0x28), encoding: "utf-8" };
    default:
      return contents;
  }
}

async function* brokenStream(): AsyncGenerator<Uint8Array> {
  yield Uint8Array.of(1, 2, 3);
  throw new Error("chaos: the stream broke at /secret/path");
}

async function* flood(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(64 * 1024);
}
