import {
  ChaosError,
  type ChaosOptions,
  type SuiteRunner,
  using,
} from "@backplane/protocol/test-suite";
import type { ResourceProvider, StopWatching } from "../resource-provider.ts";
import { type ChaoticProvider, chaoticProvider, PROVIDER_LIES } from "./chaotic-provider.ts";
import {
  type ResourceProviderSuiteContext,
  resourceProviderSuite,
} from "./resource-provider-suite.ts";
import { type Answer, type ServedProvider, serveProvider } from "./served-provider.ts";

/** The double for what is late, fails and lies: for the provider itself, or for those that it is made of. */
export type MakeProviderChaotic = (provider: ResourceProvider) => ResourceProvider;

interface Rig {
  readonly given: ResourceProviderSuiteContext;
  readonly served: ServedProvider;
  readonly doubles: readonly ChaoticProvider[];
  close(): Promise<void>;
}

const MODES: Readonly<Record<string, ChaosOptions>> = {
  "that takes its time": { delayMs: 1 },
  "that fails before it acts": { failRate: 0.3, failNext: 1 },
  "that acts, and loses its answer": { failRate: 0.3, failNext: 1, failWhen: "after" },
};

const MASKED = -32603;
/** What a client may hear of a provider in trouble: that it failed, that there is too much, or that nothing is there. */
const CLEAN: readonly unknown[] = [MASKED, -1413, -32602];
/** What the double puts into its errors and into what it lists of others. */
const TELLING = /secret|chaos|somebody-else/i;

/**
 * The contract of {@link ResourceProvider} while the provider is late and fails, to whoever asks until there is an
 * answer; and what a server makes of one that fails and lies: each request has the right answer or an error that
 * tells nothing, nothing is listed that is another's, and afterwards all is as it was.
 */
export function resourceProviderChaosSuite(
  runner: SuiteRunner,
  make: (chaotic: MakeProviderChaotic) => Promise<ResourceProviderSuiteContext>,
): void {
  const { describe, it, expect } = runner;

  for (const [mode, faults] of Object.entries(MODES)) {
    describe(`a provider ${mode}`, () => {
      resourceProviderSuite(runner, async () => {
        const { given, doubles } = await makeChaotic(make);
        for (const { chaos } of doubles) Object.assign(chaos, faults);
        return { ...given, provider: persistent(given.provider) };
      });
    });
  }

  const test = (name: string, body: (rig: Rig) => Promise<void>): unknown =>
    it(name, () => using(() => makeRig(make), body));

  const expectRightOrClean = (answer: Answer, truth: Answer): void => {
    const { error } = answer;
    if (error === undefined) expect(answer).toEqual(truth);
    else {
      expect(CLEAN.includes(error.code)).toBe(true);
      expect(TELLING.test(JSON.stringify(error))).toBe(false);
    }
  };

  describe("a server of a provider", () => {
    test("that fails: each request has its own answer, right or clean", async (rig) => {
      const { given, served, doubles } = rig;
      const { uri } = await given.put("one", "1");
      const truth = await served.read(uri);
      for (const { chaos } of doubles) Object.assign(chaos, { failRate: 0.4, delayMs: 1 });
      const answers = await Promise.all(Array.from({ length: 40 }, () => served.read(uri)));
      for (const answer of answers) expectRightOrClean(answer, truth);
      expect(new Set(answers.map(({ error }) => error?.code)).size).toBe(2);
      for (const { chaos } of doubles) Object.assign(chaos, { failRate: 0, delayMs: 0 });
      expect(await served.read(uri)).toEqual(truth);
    });

    for (const lie of PROVIDER_LIES) {
      test(`that lies (${lie}): tells nobody what is not so, and is believed again afterwards`, async ({
        given,
        served,
        doubles,
      }) => {
        const puts = [await given.put("a", "1"), await given.put("z", "2")];
        const { uri } = puts[0] as (typeof puts)[number];
        const truth = [await served.read(uri), await served.list()] as const;
        for (const double of doubles) double.lie = lie;
        const [read, list] = [await served.read(uri), await served.list()];
        expect(JSON.stringify([read, list]) === JSON.stringify(truth)).toBe(false);
        expectRightOrClean(read, truth[0]);
        if (list.error !== undefined) expectRightOrClean(list, truth[1]);
        const own = puts.map((put) => put.uri);
        const listed = (list.result?.resources ?? []) as readonly { readonly uri: string }[];
        for (const each of listed) expect(own.includes(each.uri)).toBe(true);
        for (const double of doubles) double.lie = undefined;
        expect([await served.read(uri), await served.list()]).toEqual(truth);
      });
    }
  });
}

async function makeRig(
  make: (chaotic: MakeProviderChaotic) => Promise<ResourceProviderSuiteContext>,
): Promise<Rig> {
  const { given, doubles } = await makeChaotic(make);
  const served = serveProvider(given.provider);
  const close = async (): Promise<void> => {
    await served.close();
    await given.close();
  };
  return { given, served, doubles, close };
}

async function makeChaotic(
  make: (chaotic: MakeProviderChaotic) => Promise<ResourceProviderSuiteContext>,
): Promise<{
  readonly given: ResourceProviderSuiteContext;
  readonly doubles: readonly ChaoticProvider[];
}> {
  const doubles: ChaoticProvider[] = [];
  const watches: StopWatching[] = [];
  const given = await make((provider) => {
    const double = chaoticProvider(rememberWatches(provider, watches));
    doubles.push(double);
    return double.subject;
  });
  const close = async (): Promise<void> => {
    for (const stop of watches) await stop();
    await given.close();
  };
  return { given: { ...given, close }, doubles };
}

/** The end of a watch whose answer was lost is known to nobody else. */
function rememberWatches(provider: ResourceProvider, watches: StopWatching[]): ResourceProvider {
  const remember = async (watch: Promise<StopWatching>): Promise<StopWatching> => {
    const stop = await watch;
    watches.push(stop);
    return stop;
  };
  return wrapped(provider, {
    ask: (run) => run(),
    watch: (run, onChange) => remember(run(onChange)),
  });
}

/** The provider of somebody who asks again until there is an answer. */
function persistent(provider: ResourceProvider): ResourceProvider {
  return wrapped(provider, {
    ask: untilAnswered,
    watch: (run, onChange) => {
      let attempts = 0;
      return untilAnswered(() => {
        const attempt = ++attempts;
        // One whose answer was lost may have begun all the same.
        return run(() => {
          if (attempt === attempts) onChange();
        });
      });
    },
  });
}

interface Wrapping {
  readonly ask: <Value>(run: () => Promise<Value>) => Promise<Value>;
  readonly watch: (
    run: (onChange: () => void) => Promise<StopWatching>,
    onChange: () => void,
  ) => Promise<StopWatching>;
}

/** The same provider, with everything that it does done in another way. */
function wrapped(provider: ResourceProvider, { ask, watch }: Wrapping): ResourceProvider {
  return {
    name: provider.name,
    locate: (uri) => provider.locate(uri),
    templates: () => provider.templates?.() ?? [],
    list: (request, context) => ask(() => provider.list(request, context)),
    read: (uri, context) => ask(() => provider.read(uri, context)),
    ...(provider.complete !== undefined && {
      complete: (request, context) => ask(async () => provider.complete?.(request, context) ?? []),
    }),
    ...(provider.watch !== undefined && {
      watch: (uri, onChange) => watch(async (hear) => begun(provider.watch?.(uri, hear)), onChange),
    }),
    ...(provider.watchList !== undefined && {
      watchList: (onChange) => watch(async (hear) => begun(provider.watchList?.(hear)), onChange),
    }),
  } satisfies ResourceProvider;
}

async function begun(watch: Promise<StopWatching> | undefined): Promise<StopWatching> {
  return (await watch) ?? (() => {});
}

/** @throws whatever is no fault of a double. */
async function untilAnswered<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ChaosError)) throw error;
    }
  }
}
