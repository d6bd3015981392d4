import type { Missing } from './record.ts';
import type { Tests } from './tests.ts';

interface Seen extends Missing {
  readonly isHere: boolean;
  readonly ms: number;
}

/** Starts of one file of tests: a trial that hangs ends its process. */
const MOST_ROUNDS = 12;

/** By check, the test that missed it when it ran again without that check; the quickest files first. Checks in other processes stay there. */
export async function missedInRepeats(
  tests: Tests,
  wanted: ReadonlySet<number>,
  seen: ReadonlyMap<number, readonly Seen[]>,
): Promise<ReadonlyMap<number, Missing>> {
  const missed = new Map<number, Missing>();
  const all = [...wanted].flatMap((check) => (seen.get(check) ?? []).map((each) => ({ ...each, check })));
  const here = all.filter(({ isHere, test }) => isHere && test !== '').sort((a, b) => a.ms - b.ms);
  for (const file of new Set(here.map((each) => each.file))) {
    let left = here.filter((each) => each.file === file && !missed.has(each.check));
    for (let round = 0; round < MOST_ROUNDS && left.length > 0; round++) {
      const plan: Record<string, number[]> = {};
      for (const { test, check } of left) plan[test] = [...(plan[test] ?? []), check];
      const { trials } = await tests.repeat(file, plan);
      // Of a test that differs from one time to the next nobody knows why it fails.
      const differing = new Set(trials.filter(({ end }) => end === 'differs').map(({ test }) => test));
      for (const { check, end, test } of trials)
        if (end === 'misses' && !differing.has(test) && !missed.has(check)) missed.set(check, { file, test });
      const done = new Set(trials.map(({ check, test }) => `${check} ${test}`));
      const before = left.length;
      left = left.filter(
        ({ check, test }) => !done.has(`${check} ${test}`) && !missed.has(check) && !differing.has(test),
      );
      if (left.length === before) break;
    }
    console.log(`${file}: ${missed.size} of ${wanted.size} checks are missed`);
  }
  return missed;
}
