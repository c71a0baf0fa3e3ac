// Alternating rounds with the bare server as the yardstick of each, and the rule that voids a run.
import { spread } from "./stats.mjs";

/** Above this the machine was busy with something else. */
export const VOID_SPREAD = 0.15;
/** A slice of the warm-up that beats the best one by this factor means that it goes on. */
const STILL_RISING = 1.03;

/**
 * Measures every entry once per round, forwards and backwards in turn. When the yardstick's
 * quartiles lie too far apart the run is void and repeated; if no attempt is quiet enough, the
 * quietest stands and is marked noisy.
 * `measure(entry)` returns one sample; `figureOf(sample)` is the figure that is compared.
 */
export async function alternate({ entries, rounds, attempts, measure, figureOf, log }) {
  const runs = [];
  for (;;) {
    const samples = await oneRun({ entries, rounds, measure, figureOf, log });
    const yardstickSpread = spread(samples.get(entries[0].id).map(figureOf));
    runs.push({ samples, yardstickSpread });
    if (yardstickSpread <= VOID_SPREAD || runs.length === attempts) {
      break;
    }
    log(`  void: the yardstick's quartiles differ by ${Math.round(yardstickSpread * 100)} %`);
  }
  const [best, ...others] = runs.sort((a, b) => a.yardstickSpread - b.yardstickSpread);
  const voidSpreads = others.map(({ yardstickSpread }) => yardstickSpread);
  return { ...best, voidSpreads, isNoisy: best.yardstickSpread > VOID_SPREAD };
}

/**
 * Applies load in slices until the rate has stopped rising, so that a server whose code is slow to
 * be optimised is not measured while it still warms up. `slice()` returns one second's rate.
 */
export async function warmUp({ slice, settings }) {
  const { warmUpSeconds, warmUpMaxSeconds } = settings;
  let best = 0;
  let secondsSinceBest = 0;
  for (let second = 1; second <= warmUpMaxSeconds; second += 1) {
    const rate = await slice();
    secondsSinceBest = rate > best * STILL_RISING ? 0 : secondsSinceBest + 1;
    best = Math.max(best, rate);
    if (second >= warmUpSeconds && secondsSinceBest >= 2) {
      return;
    }
  }
}

async function oneRun({ entries, rounds, measure, figureOf, log }) {
  const samples = new Map(entries.map(({ id }) => [id, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? entries : [...entries].reverse();
    for (const entry of order) {
      samples.get(entry.id).push(await measure(entry));
    }
    log(`  round ${round + 1} of ${rounds}: ${describe(entries, samples, figureOf)}`);
  }
  return samples;
}

function describe(entries, samples, figureOf) {
  return entries
    .map(({ id }) => `${id} ${Number(figureOf(samples.get(id).at(-1))).toPrecision(4)}`)
    .join(", ");
}
