import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isExempt } from './exempt.ts';
import type { Check } from './find.ts';

/** Between a file of tests and the whole name of a test in it. */
const SEPARATOR = ' > ';
/** Which test was last seen to miss each check; a check without a row was never tried, or was missed by none. */
const PATH = 'scripts/checks/record.json';

/** By source, then by check; a file of tests, and behind ` > ` the whole name of one test in it. */
type Rows = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Missing {
  readonly file: string;
  /** Empty where the file fails outside of its tests. */
  readonly test: string;
}

/** What each check is called in its source: where it stands and its text, and which one it is of several. */
export function namesOf(checks: readonly Check[]): readonly string[] {
  const used = new Map<string, number>();
  return checks.map(({ path, where, text }) => {
    const name = `${where}: ${text}`;
    const nth = (used.get(`${path} ${name}`) ?? 0) + 1;
    used.set(`${path} ${name}`, nth);
    return nth === 1 ? name : `${name} (${nth})`;
  });
}

export function readRecord(root: string): Rows {
  return JSON.parse(readFileSync(join(root, PATH), 'utf8')) as Rows;
}

/** Checks that no test is recorded to miss, and that are not exempt. */
export function unrecorded(rows: Rows, checks: readonly Check[]): readonly Check[] {
  const names = namesOf(checks);
  return checks.filter((check, at) => recorded(rows, check.path, names[at] ?? '') === undefined && !isExempt(check));
}

/** The file of tests that a row names. */
export function testFileOf(row: string): string {
  return row.split(SEPARATOR, 1)[0] ?? '';
}

export function recorded(rows: Rows, path: string, name: string): Missing | undefined {
  const row = rows[path]?.[name];
  if (row === undefined) return undefined;
  const file = testFileOf(row);
  return { file, test: row.slice(file.length + SEPARATOR.length) };
}

/** What was found of the checks that were tried now; of the others what stands there, as long as they are there. */
export function writeRecord(
  root: string,
  all: readonly Check[],
  found: ReadonlyMap<string, Missing | undefined>,
): void {
  const before = readRecord(root);
  const names = namesOf(all);
  const rows: Record<string, Record<string, string>> = {};
  for (const [index, { path }] of all.entries()) {
    const name = names[index] ?? '';
    const key = `${path} ${name}`;
    const row = found.has(key) ? textOf(found.get(key)) : before[path]?.[name];
    if (row !== undefined) rows[path] = { ...rows[path], [name]: row };
  }
  writeFileSync(join(root, PATH), `${JSON.stringify(rows, undefined, 2)}\n`);
}

function textOf(missing: Missing | undefined): string | undefined {
  if (missing === undefined) return undefined;
  return missing.test === '' ? missing.file : `${missing.file}${SEPARATOR}${missing.test}`;
}
