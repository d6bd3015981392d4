import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import { normalizeName, versionOf } from '../../pypi/names.ts';
import { compareVersions, parseVersion } from '../../pypi/requirement/version.ts';
import { versionKey } from '../../pypi/versions.ts';

// Which files an advisory speaks of, in the format of OSV (https://ossf.github.io/osv-schema/).

/** Of one file. */
const MOST_BYTES = 64 * 1024 * 1024;

const Bound = z.object({
  introduced: z.string().optional(),
  fixed: z.string().optional(),
  last_affected: z.string().optional(),
});
const Range = z.object({ type: z.string(), events: z.array(Bound) });
const Affected = z.object({
  package: z.object({ ecosystem: z.string(), name: z.string() }).optional(),
  versions: z.array(z.string()).default([]),
  ranges: z.array(Range).default([]),
});
const Advisory = z.object({
  id: z.string(),
  withdrawn: z.string().optional(),
  affected: z.array(Affected).default([]),
});

type Range = z.infer<typeof Range>;

/** What is affected of one project: these versions, and those of the ranges. */
interface AffectedProject {
  readonly versions: ReadonlySet<string>;
  readonly ranges: readonly Range[];
}

/** True for a file that an advisory speaks of. */
export type IsAffected = (project: string, filename: string) => boolean;

/** Of one advisory, an array of them, or all `.json` files below a folder. Throws Refusal `format` for what is none, and where none speaks of Python packages. */
export async function affectedBy(path: string): Promise<IsAffected> {
  const projects = new Map<string, AffectedProject[]>();
  for await (const file of filesBelow(path)) for (const advisory of await advisoriesIn(file)) take(projects, advisory);
  if (projects.size === 0) throw wrong(`No advisory in ${path} names a package of the ecosystem PyPI.`);
  return (project, filename) => {
    const version = versionOf(filename, project)?.replaceAll('_', '-');
    return projects.get(project)?.some((each) => version === undefined || isAmong(each, version)) === true;
  };
}

async function* filesBelow(path: string): AsyncGenerator<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw wrong(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (!found.isDirectory()) return yield path;
  for (const name of await readdir(path, { recursive: true })) if (name.endsWith('.json')) yield join(path, name);
}

async function advisoriesIn(path: string): Promise<readonly z.infer<typeof Advisory>[]> {
  if ((await stat(path)).size > MOST_BYTES) throw wrong(`${path} is larger than ${MOST_BYTES} bytes.`);
  const { data } = z.union([z.array(Advisory), Advisory]).safeParse(jsonOf(await readFile(path, 'utf8')));
  if (data === undefined) throw wrong(`${path} is no advisory in the format of OSV.`);
  return Array.isArray(data) ? data : [data];
}

function take(projects: Map<string, AffectedProject[]>, { withdrawn, affected }: z.infer<typeof Advisory>): void {
  if (withdrawn !== undefined) return;
  for (const { package: named, versions, ranges } of affected) {
    const project = named?.ecosystem === 'PyPI' ? normalizeName(named.name) : undefined;
    if (project === undefined) continue;
    const known = projects.get(project) ?? [];
    known.push({
      versions: new Set(versions.map(versionKey)),
      ranges: ranges.filter(({ type }) => type === 'ECOSYSTEM'),
    });
    projects.set(project, known);
  }
}

/** OSV: "affected if it is in `versions`, or in any of the ranges"; where neither says anything, all of them are. */
function isAmong({ versions, ranges }: AffectedProject, version: string): boolean {
  if (versions.size === 0 && ranges.length === 0) return true;
  return versions.has(versionKey(version)) || ranges.some((range) => isWithin(range, version));
}

/** What is no version is affected wherever a range is open below: better named than missed. */
function isWithin({ events }: Range, text: string): boolean {
  const version = parseVersion(text);
  const against = (bound: string) => {
    const other = bound === '0' ? undefined : parseVersion(bound);
    return version === undefined || other === undefined ? undefined : compareVersions(version, other);
  };
  let within = false;
  const bounds = events.flatMap(({ introduced, fixed, last_affected: last }) => [
    ...(introduced === undefined ? [] : [{ bound: introduced, begins: true, isLast: false }]),
    ...(fixed === undefined ? [] : [{ bound: fixed, begins: false, isLast: false }]),
    ...(last === undefined ? [] : [{ bound: last, begins: false, isLast: true }]),
  ]);
  bounds.sort((one, other) => orderOf(one.bound, other.bound));
  for (const { bound, begins, isLast } of bounds) {
    const order = against(bound);
    if (begins && (bound === '0' || (order !== undefined && order >= 0))) within = true;
    else if (!begins && order !== undefined && (isLast ? order > 0 : order >= 0)) within = false;
  }
  return within;
}

/** `0` stands before every version. */
function orderOf(one: string, other: string): number {
  if (one === '0' || other === '0') return Number(other === '0') - Number(one === '0');
  const [a, b] = [parseVersion(one), parseVersion(other)];
  return a === undefined || b === undefined ? 0 : compareVersions(a, b);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wrong(message: string): Refusal {
  return new Refusal('format', message, { subject: 'request' });
}
