import { readSources } from '../../test/architecture/source.ts';
import { reach } from './graph.ts';

// Which tests are asked about a source of which nothing is recorded yet.

/** They run the whole program, or one of its ways again for every step of it, and would take hours; or read its text. `--by` names single ones. */
const WHOLE =
  /^test\/(?:journeys|interop|crash)\/|^test\/unit\/app\/carry-over|^test\/architecture\/(?!forgeries\/refused)/;
/** Tests of a room beside test/unit/ROOM. All of them that reach a file are asked. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  tuf: ['freeze', 'mix-and-match', 'recovery', 'rollback', 'thresholds', 'names'].map((name) => `test/attacks/${name}`),
  mirror: ['test/attacks/mirror-', 'test/attacks/index-', 'test/contract/evidence'],
};
/** Of the others that reach it over so few imports, this many nearest. */
const MOST_STEPS = 3;
const NEAREST = 5;

export function testsFor(root: string, paths: readonly string[]): readonly string[] {
  const sources = [...readSources(root, 'src'), ...readSources(root, 'test')];
  const reaching = reach(sources);
  const reached = sources
    .filter(({ path }) => path.endsWith('.test.ts') && !WHOLE.test(path))
    .map(({ path }) => ({ test: path, steps: reaching(path) }));
  const chosen = paths.flatMap((path) => {
    const room = path.split('/')[1] ?? '';
    const own = [`test/unit/${room}/`, ...(BESIDE[room] ?? [])];
    const isOwn = (test: string) => own.some((place) => test.startsWith(place));
    const near = reached
      .map(({ test, steps }) => ({ test, steps: steps.get(path) ?? Number.POSITIVE_INFINITY }))
      .filter(({ steps }) => steps < Number.POSITIVE_INFINITY)
      .sort((a, b) => a.steps - b.steps);
    return [
      ...near.filter(({ test }) => isOwn(test)),
      ...near.filter(({ test, steps }) => !isOwn(test) && steps <= MOST_STEPS).slice(0, NEAREST),
    ].map(({ test }) => test);
  });
  return [...new Set(chosen)];
}
