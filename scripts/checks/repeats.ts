import type { Missing } from './record.ts';
import type { Tests } from './tests.ts';

interface Seen extends Missing {
  readonly isHere: boolean;
  readonly ms: number;
}

/** Starts of one file of tests: a trial that hangs ends its process. */
const MOST_ROUNDS = 12;
/** Tests of one file that a check is tried in, those first that make the fewest checks refuse; then, where none missed it in any file, more. */
const TESTS_A_CHECK = [2, 10] as const;

export interface Repeats {
  /** By check, the test that missed it. */
  readonly missed: ReadonlyMap<number, Missing>;
  /** What passed without a check, as `trialOf` names it. */
  readonly passed: ReadonlySet<string>;
}

export function trialOf(check: number, { file, test }: Missing): string {
  return `${check} ${file} ${test}`;
}

/** Runs tests again without the checks that they made refuse, the quickest files first. What stands in other processes stays there. */
export async function missedInRepeats(
  tests: Tests,
  wanted: ReadonlySet<number>,
  seen: ReadonlyMap<number, readonly Seen[]>,
  onMissed: (check: number, missing: Missing) => void,
): Promise<Repeats> {
  const missed = new Map<number, Missing>();
  const passed = new Set<string>();
  const all = [...wanted].flatMap((check) => (seen.get(check) ?? []).map((each) => ({ ...each, check })));
  const here = all.filter(({ isHere, test }) => isHere && test !== '').sort((a, b) => a.ms - b.ms);
  const files = [...new Set(here.map((each) => each.file))];
  for (const [file, most] of TESTS_A_CHECK.flatMap((most) => files.map((file) => [file, most] as const))) {
    const own = here.filter((each) => each.file === file && !missed.has(each.check));
    let left = mostTelling(own, most).filter((each) => !passed.has(trialOf(each.check, each)));
    let tried = false;
    for (let round = 0; round < MOST_ROUNDS && left.length > 0; round++) {
      const plan: Record<string, number[]> = {};
      for (const { test, check } of left) plan[test] = [...(plan[test] ?? []), check];
      const { trials } = await tests.repeat(file, plan);
      tried = true;
      // Of a test that differs from one time to the next nobody knows why it fails.
      const differing = new Set(trials.filter(({ end }) => end === 'differs').map(({ test }) => test));
      for (const { check, end, test } of trials)
        if (differing.has(test)) continue;
        else if (end === 'passes') passed.add(trialOf(check, { file, test }));
        else if (!missed.has(check)) {
          missed.set(check, { file, test });
          onMissed(check, { file, test });
        }
      const done = new Set(trials.map(({ check, test }) => `${check} ${test}`));
      const before = left.length;
      left = left.filter(
        ({ check, test }) => !done.has(`${check} ${test}`) && !missed.has(check) && !differing.has(test),
      );
      if (left.length === before) break;
    }
    if (tried) console.log(`${file}: ${missed.size} of ${wanted.size} checks are missed`);
  }
  return { missed, passed };
}

/** Of each check so many of its tests; a test that makes few others refuse says most of it. */
function mostTelling<T extends Missing & { readonly check: number }>(seen: readonly T[], most: number): readonly T[] {
  const checksOf = Map.groupBy(seen, ({ test }) => test);
  const ranked = [...seen].sort((a, b) => (checksOf.get(a.test)?.length ?? 0) - (checksOf.get(b.test)?.length ?? 0));
  return [...Map.groupBy(ranked, ({ check }) => check).values()].flatMap((tests) => tests.slice(0, most));
}
