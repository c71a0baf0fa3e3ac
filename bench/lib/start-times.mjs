// Times of processes that are started again and again, in alternating rounds.
import { alternate, oneByOne } from "./rounds.mjs";
import { pairedRatio, summarise } from "./stats.mjs";

const SAMPLES = { full: 20, quick: 5 };

/**
 * Measures each entry in turn by `sample`, which resolves with `{ milliseconds }`; one of them is "bare".
 * `recorded` is what the records hold of an entry, by default all of it.
 */
export async function measureStarts({
  entries,
  sample,
  recorded = (entry) => entry,
  settings,
  log,
}) {
  const { samples, ...outcome } = await alternate({
    entries,
    rounds: settings.isQuick ? SAMPLES.quick : SAMPLES.full,
    attempts: settings.attempts,
    measureRound: oneByOne(sample),
    figureOf: ({ milliseconds }) => milliseconds,
    log,
  });
  const timesOf = (id) => samples.get(id).map(({ milliseconds }) => milliseconds);
  const results = entries.map((entry) => ({
    ...recorded(entry),
    samples: samples.get(entry.id),
    milliseconds: summarise(timesOf(entry.id)),
    ratioToBare: pairedRatio(timesOf(entry.id), timesOf("bare")),
  }));
  return { ...outcome, entries: results };
}
