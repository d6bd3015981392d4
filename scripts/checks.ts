import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readSources } from '../test/architecture/source.ts';
import { EXEMPT } from './checks/exempt.ts';
import { type Check, checksOf } from './checks/find.ts';
import { reach } from './checks/graph.ts';
import { instrumentedCopy } from './checks/instrument.ts';
import { Tests } from './checks/tests.ts';

// Removes each check of src, one at a time, and says which of them no test misses.
//
//     node scripts/checks.ts                       every room
//     node scripts/checks.ts src/tuf src/bytes     these folders or files, in this order
//     node scripts/checks.ts src/cli --by test/journeys/verify.test.ts    asks these tests alone
//     node scripts/checks.ts src/tuf --unseen      only says which checks no test makes refuse
//
// First every test that reaches these files runs once, with all checks in place, and tells which checks it makes refuse. Then each
// check is removed, and those tests run again until one fails. Exit code 1 where a check is missed by none.

const ROOT = fileURLToPath(new URL('../', import.meta.url));
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
/** A file of tests that takes this many times the quickest is not run whole, but only its test that saw the check refuse. */
const QUICK = 3;
/** Tests that are tried before a check counts as missed by none. */
const MOST_TRIED = 12;

interface Asked {
  readonly rooms: readonly string[];
  /** None: whatever reaches the rooms. */
  readonly by: readonly string[];
  readonly onlyUnseen: boolean;
}

interface Seen {
  readonly file: string;
  readonly test: string;
  readonly ms: number;
}

function asked(args: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { by: { type: 'string', multiple: true, default: [] }, unseen: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  return { rooms: positionals.length === 0 ? ['src'] : positionals, by: values.by, onlyUnseen: values.unseen };
}

function isIn(path: string, rooms: readonly string[]): boolean {
  return rooms.some((room) => path === room || path.startsWith(`${room.replace(/\/$/, '')}/`));
}

function isExempt(check: Check): boolean {
  return EXEMPT.some(({ path, where, text }) => path === check.path && where === check.where && text === check.text);
}

function testsFor(paths: readonly string[]): readonly string[] {
  const sources = [...readSources(ROOT, 'src'), ...readSources(ROOT, 'test')];
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

async function watchAll(tests: Tests, files: readonly string[]): Promise<ReadonlyMap<number, readonly Seen[]>> {
  const seen = new Map<number, Seen[]>();
  for (const [index, file] of files.entries()) {
    const { ran, saw } = await tests.watch({ file });
    console.log(
      `${index + 1}/${files.length} ${file}: ${Math.round(ran.ms)} ms${ran.ok ? '' : `, and is not asked: ${ran.failed}`}`,
    );
    if (!ran.ok) continue;
    for (const { check, test } of saw) {
      const list = seen.get(check) ?? [];
      list.push({ file, test, ms: ran.ms });
      seen.set(check, list);
    }
  }
  return seen;
}

/** The quickest first; of a quick file one entry for all its tests. */
function orders(seen: readonly Seen[]): readonly Seen[] {
  const quickest = Math.min(...seen.map(({ ms }) => ms));
  const whole = new Map<string, Seen>();
  for (const each of seen) {
    const isWhole = each.ms <= quickest * QUICK || each.test === '';
    whole.set(isWhole ? each.file : `${each.file}\n${each.test}`, isWhole ? { ...each, test: '' } : each);
  }
  return [...whole.values()].sort((a, b) => a.ms - b.ms).slice(0, MOST_TRIED);
}

/** The test that misses it; undefined where none does. */
async function missedBy(
  tests: Tests,
  alone: Map<string, boolean>,
  check: number,
  seen: readonly Seen[],
): Promise<string | undefined> {
  for (const { file, test, ms } of orders(seen)) {
    const order = { file, test: test === '' ? undefined : test };
    const { ok, failed } = await tests.without(check, order, ms);
    if (ok) continue;
    // A test of which nobody knows that it saw the check, or that cannot run alone, counts if it passes with the check.
    if (test === '' && seen.some((each) => each.file === file && each.test !== '' && each.test === failed))
      return `${file}: ${failed}`;
    const key = `${file}\n${test}`;
    const passes = alone.get(key) ?? (await tests.watch(order)).ran.ok;
    alone.set(key, passes);
    if (passes) return `${file}: ${failed}`;
  }
  return undefined;
}

interface Count {
  checks: number;
  missed: number;
  exempt: number;
  survived: number;
}

function roomOf(path: string): string {
  return path.split('/').slice(1, -1).join('/') || '.';
}

async function main(args: readonly string[]): Promise<void> {
  const { rooms, by, onlyUnseen } = asked(args);
  const sources = rooms.flatMap((room) => readSources(ROOT, 'src').filter(({ path }) => isIn(path, [room])));
  const checks = sources.flatMap(checksOf);
  const copy = mkdtempSync(join(tmpdir(), 'verbatim-checks-'));
  const tests = new Tests(copy);
  const counts = new Map<string, Count>();
  const alone = new Map<string, boolean>();
  try {
    instrumentedCopy(ROOT, copy, sources, checks);
    const files = by.length > 0 ? by : testsFor([...new Set(checks.map(({ path }) => path))]);
    console.log(`${checks.length} checks, ${files.length} files of tests`);
    const seen = await watchAll(tests, files);
    // Those that no test saw refuse come first: nothing need run to know that none misses them.
    const entries = [...checks.entries()].sort(([a], [b]) => Number(seen.has(a)) - Number(seen.has(b)));
    for (const [id, check] of entries) {
      const count = counts.get(roomOf(check.path)) ?? { checks: 0, missed: 0, exempt: 0, survived: 0 };
      counts.set(roomOf(check.path), count);
      count.checks++;
      const place = `${check.path}:${check.line} ${check.where}: ${check.text}`;
      if (isExempt(check)) {
        count.exempt++;
        continue;
      }
      const refusing = seen.get(id) ?? [];
      if (onlyUnseen && refusing.length > 0) continue;
      const missing = await missedBy(tests, alone, id, refusing);
      if (missing !== undefined) count.missed++;
      else count.survived++;
      console.log(
        missing === undefined
          ? `SURVIVES (refused in ${refusing.length} tests) ${place}`
          : `missed ${place}\n    by ${missing}`,
      );
    }
  } finally {
    tests.close();
    rmSync(copy, { recursive: true, force: true });
  }
  for (const [room, { checks, missed, exempt, survived }] of [...counts].sort())
    console.log(
      `${room.padEnd(20)} ${checks} checks, ${missed} missed by a test, ${exempt} exempt, ${survived} missed by none`,
    );
  if ([...counts.values()].some(({ survived }) => survived > 0)) process.exitCode = 1;
}

await main(process.argv.slice(2));
