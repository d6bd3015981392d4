import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readSources } from '../test/architecture/source.ts';
import { testsFor } from './checks/choose.ts';
import { isExempt } from './checks/exempt.ts';
import { type Check, checksOf } from './checks/find.ts';
import { instrumentedCopy } from './checks/instrument.ts';
import { type Missing, namesOf, readRecord, recorded, writeRecord } from './checks/record.ts';
import { missedInRepeats, trialOf } from './checks/repeats.ts';
import { type Saw, Tests } from './checks/tests.ts';

// Removes each check of src, one at a time, and says which of them no test misses.
//
//     node scripts/checks.ts                       every room
//     node scripts/checks.ts src/tuf src/bytes     these folders or files
//     node scripts/checks.ts --new --record        only checks without a row in checks/record.json, and writes what is found into it
//     node scripts/checks.ts src/cli --by test/journeys/verify.test.ts    asks these tests alone
//     node scripts/checks.ts src/tuf --unseen      only says which checks no test makes refuse
//
// First every file of tests that is recorded for these checks runs once, with all checks in place, and tells which checks it makes refuse;
// where one is not recorded, every test that reaches its file as well. Then each test runs again in its own process for each check that it
// made refuse, without that check. What no test missed so, or stands in a process that a test starts, is tried again in a run of its own.
// Exit code 1 where a check is missed by none.

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** A file of tests that takes this many times the quickest is not run whole, but only its test that saw the check refuse. */
const QUICK = 3;
/** Tests that are tried before a check counts as missed by none. */
const MOST_TRIED = 5;

interface Asked {
  readonly rooms: readonly string[];
  /** None: what is recorded, and where nothing is, whatever reaches the rooms. */
  readonly by: readonly string[];
  readonly onlyUnseen: boolean;
  readonly onlyNew: boolean;
  readonly record: boolean;
}

interface Seen extends Missing, Pick<Saw, 'isHere'> {
  readonly ms: number;
}

/** A check that is tried. */
interface Tried {
  readonly id: number;
  readonly check: Check;
  readonly name: string;
  readonly recorded: Missing | undefined;
}

function asked(args: readonly string[]): Asked {
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { by: { type: 'string', multiple: true, default: [] }, unseen: flag, new: flag, record: flag },
    allowPositionals: true,
  });
  return {
    rooms: positionals.length === 0 ? ['src'] : positionals,
    by: values.by,
    onlyUnseen: values.unseen,
    onlyNew: values.new,
    record: values.record,
  };
}

function isIn(path: string, rooms: readonly string[]): boolean {
  return rooms.some((room) => path === room || path.startsWith(`${room.replace(/\/$/, '')}/`));
}

function filesFor(tried: readonly Tried[]): readonly string[] {
  const known = tried.flatMap(({ recorded }) => recorded?.file ?? []);
  const unknown = tried.filter(({ recorded }) => recorded === undefined).map(({ check }) => check.path);
  return [...new Set([...known, ...testsFor(ROOT, [...new Set(unknown)])])];
}

async function watchAll(tests: Tests, files: readonly string[]): Promise<ReadonlyMap<number, readonly Seen[]>> {
  const seen = new Map<number, Seen[]>();
  for (const [index, file] of files.entries()) {
    const { ran, saw } = await tests.watch({ file });
    console.log(
      `${index + 1}/${files.length} ${file}: ${Math.round(ran.ms)} ms${ran.ok ? '' : `, and is not asked: ${ran.failed}`}`,
    );
    if (!ran.ok) continue;
    for (const { check, test, isHere } of saw) {
      const list = seen.get(check) ?? [];
      list.push({ file, test, isHere, ms: ran.ms });
      seen.set(check, list);
    }
  }
  return seen;
}

/** The recorded one first, then the quickest; of a quick file one entry for all its tests. */
function orders(seen: readonly Seen[], recorded: Missing | undefined): readonly Seen[] {
  const quickest = Math.min(...seen.map(({ ms }) => ms));
  const known = seen.find(({ file, test }) => file === recorded?.file && test === recorded.test);
  const whole = new Map<string, Seen>();
  for (const each of seen) {
    const isWhole = each.ms <= quickest * QUICK || each.test === '';
    whole.set(isWhole ? each.file : `${each.file}\n${each.test}`, isWhole ? { ...each, test: '' } : each);
  }
  const others = [...whole.values()].sort((a, b) => a.ms - b.ms).slice(0, MOST_TRIED);
  return known === undefined ? others : [known, ...others];
}

/** The test that misses it; undefined where none does. */
async function missedBy(
  tests: Tests,
  alone: Map<string, boolean>,
  { id, recorded }: Tried,
  seen: readonly Seen[],
): Promise<Missing | undefined> {
  for (const { file, test, ms } of orders(seen, recorded)) {
    const order = { file, test: test === '' ? undefined : test };
    const { ok, failed = '' } = await tests.without(id, order, ms);
    if (ok) continue;
    const failing = seen.find((each) => each.file === file && each.test !== '' && each.test === failed);
    // A test of which nobody knows that it saw the check, or that cannot run alone, counts if it passes with the check.
    if (test === '' && failing !== undefined) return failing;
    const key = `${file}\n${test}`;
    const passes = alone.get(key) ?? (await tests.watch(order)).ran.ok;
    alone.set(key, passes);
    if (passes) return { file, test };
  }
  return undefined;
}

const ENDS = ['checks', 'missed', 'exempt', 'survived'] as const;
type Count = Record<(typeof ENDS)[number], number>;

function roomOf(path: string): string {
  return path.split('/').slice(1, -1).join('/') || '.';
}

/** Undefined where it is exempt. */
async function tryAll(
  tests: Tests,
  tried: readonly Tried[],
  seen: ReadonlyMap<number, readonly Seen[]>,
  onlyUnseen: boolean,
  onMissed: (check: number, missing: Missing) => void,
  tell: (each: Tried, end: Exclude<(typeof ENDS)[number], 'checks'>, missing?: Missing) => void,
): Promise<void> {
  const alone = new Map<string, boolean>();
  const wanted = new Set(tried.filter(({ check }) => !isExempt(check) && !onlyUnseen).map(({ id }) => id));
  const { missed, passed } = await missedInRepeats(tests, wanted, seen, onMissed);
  // Those that no test saw refuse come first: nothing need run to know that none misses them.
  for (const each of [...tried].sort((a, b) => Number(seen.has(a.id)) - Number(seen.has(b.id)))) {
    const { check, id } = each;
    const place = `${check.path}:${check.line} ${check.where}: ${check.text}`;
    const refusing = seen.get(id) ?? [];
    if (isExempt(check)) tell(each, 'exempt');
    else if (!onlyUnseen || refusing.length === 0) {
      const untried = refusing.filter((test) => !passed.has(trialOf(id, test)));
      const missing = missed.get(id) ?? (await missedBy(tests, alone, each, untried));
      tell(each, missing === undefined ? 'survived' : 'missed', missing);
      console.log(
        missing === undefined
          ? `SURVIVES (refused in ${refusing.length} tests) ${place}`
          : `missed ${place}\n    by ${missing.file}: ${missing.test}`,
      );
    }
  }
}

async function main(args: readonly string[]): Promise<void> {
  const { rooms, by, onlyUnseen, onlyNew, record } = asked(args);
  const sources = readSources(ROOT, 'src');
  const all = sources.flatMap(checksOf);
  const names = namesOf(all);
  const rows = readRecord(ROOT);
  const tried = all
    .map((check, id): Tried => {
      const name = names[id] ?? '';
      return { id, check, name, recorded: recorded(rows, check.path, name) };
    })
    .filter(({ check }) => isIn(check.path, rooms))
    .filter(({ check, recorded }) => !onlyNew || (recorded === undefined && !isExempt(check)));
  const copy = mkdtempSync(join(tmpdir(), 'verbatim-checks-'));
  const tests = new Tests(copy);
  const counts = new Map<string, Count>();
  const found = new Map<string, Missing | undefined>();
  const keyOf = ({ path }: Check, name: string) => `${path} ${name}`;
  const end = () => {
    tests.close();
    rmSync(copy, { recursive: true, force: true });
    // The checkout may have gone on meanwhile.
    if (record) writeRecord(ROOT, readSources(ROOT, 'src').flatMap(checksOf), found);
  };
  // What was found until then is kept.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      end();
      process.exit(1);
    });
  try {
    instrumentedCopy(ROOT, copy, sources, all);
    const files = by.length > 0 ? by : filesFor(tried);
    console.log(`${tried.length} checks, ${files.length} files of tests`);
    const seen = await watchAll(tests, files);
    const onMissed = (id: number, missing: Missing) => {
      const check = all[id];
      if (check !== undefined) found.set(keyOf(check, names[id] ?? ''), missing);
    };
    await tryAll(tests, tried, seen, onlyUnseen, onMissed, ({ check, name }, end, missing) => {
      const count = counts.get(roomOf(check.path)) ?? { checks: 0, missed: 0, exempt: 0, survived: 0 };
      counts.set(roomOf(check.path), count);
      count.checks++;
      count[end]++;
      // Tests that were chosen by hand say nothing of the others.
      if (end === 'missed' || (end === 'survived' && by.length === 0)) found.set(keyOf(check, name), missing);
    });
  } finally {
    end();
  }
  for (const [room, { checks, missed, exempt, survived }] of [...counts].sort())
    console.log(
      `${room.padEnd(20)} ${checks} checks, ${missed} missed by a test, ${exempt} exempt, ${survived} missed by none`,
    );
  if ([...counts.values()].some(({ survived }) => survived > 0)) process.exitCode = 1;
}

await main(process.argv.slice(2));
