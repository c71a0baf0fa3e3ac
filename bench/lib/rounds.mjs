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
 *
 * `measureRound(order)` resolves with a sample of each of these entries; `figureOf(sample)` is the
 * figure that is compared. `restart()` replaces the processes: how fast one is depends a little on
 * what its compiler saw first, so a run goes through `processes` generations of them, each for so
 * many rounds.
 */
export async function alternate({ attempts, ...run }) {
  const { entries, figureOf, log, restart } = run;
  const runs = [];
  for (;;) {
    if (runs.length > 0) await restart?.();
    const samples = await oneRun(run);
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

/** A round in which one entry is measured after the other. */
export const oneByOne = (measure) => async (order) => {
  const samples = [];
  for (const entry of order) samples.push(await measure(entry));
  return samples;
};

/**
 * Applies load in slices until the rate has stopped rising, so that a server whose code is slow to
 * be optimised is not measured while it still warms up. `slice()` resolves with what one second
 * brought, `{ requests, … }`; the last of them is returned.
 */
export async function warmUp({ slice, settings }) {
  const { warmUpSeconds, warmUpMaxSeconds } = settings;
  let last;
  let best = 0;
  let secondsSinceBest = 0;
  for (let second = 1; second <= warmUpMaxSeconds; second += 1) {
    last = await slice();
    const { requests } = last;
    secondsSinceBest = requests > best * STILL_RISING ? 0 : secondsSinceBest + 1;
    best = Math.max(best, requests);
    if (second >= warmUpSeconds && secondsSinceBest >= 2) break;
  }
  return last;
}

async function oneRun({ entries, rounds, processes = 1, restart, measureRound, figureOf, log }) {
  const samples = new Map(entries.map(({ id }) => [id, []]));
  const total = rounds * processes;
  for (let round = 0; round < total; round += 1) {
    if (round > 0 && round % rounds === 0) await restart();
    const order = round % 2 === 0 ? entries : [...entries].reverse();
    const measured = await measureRound(order);
    for (const [index, { id }] of order.entries()) samples.get(id).push(measured[index]);
    log(`  round ${round + 1} of ${total}: ${describe(entries, samples, figureOf)}`);
  }
  return samples;
}

function describe(entries, samples, figureOf) {
  return entries
    .map(({ id }) => `${id} ${Number(figureOf(samples.get(id).at(-1))).toPrecision(4)}`)
    .join(", ");
}
