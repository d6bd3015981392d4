import { normalizeName } from '../names.ts';
import { versionKey } from '../versions.ts';
import type { Stated } from './stated.ts';

/** What an index says of a release beside its page: `info` of its JSON API. */
export interface ReleaseInfo {
  readonly requiresPython: string | undefined;
  readonly requiresDist: readonly string[];
}

/** What an index says of a file, by its name and its page, and of its release. */
export interface Said {
  readonly project: string;
  readonly version: string;
  readonly requiresPython: string | undefined;
  readonly info?: ReleaseInfo | undefined;
}

const MOST_NAMED = 3;
const LONGEST = 120;

/** In what core metadata is not what the index says, each as a phrase; of many the first. */
export function differencesOf(stated: Stated, { project, version, requiresPython, info }: Said): readonly string[] {
  const found: string[] = [];
  const differs = (what: string, here: string | undefined, there: string | undefined) =>
    found.push(`${what} ${quoted(here)} and the index says ${quoted(there)}`);
  if (normalizeName(stated.name ?? '') !== project) differs('Name', stated.name, project);
  if (versionKey(stated.version ?? '') !== versionKey(version)) differs('Version', stated.version, version);
  const page = requiresPython ?? info?.requiresPython;
  // A page that says nothing of it says that it does not say.
  if (page !== undefined && plain(page) !== plain(stated.requiresPython ?? ''))
    differs('Requires-Python', stated.requiresPython, page);
  if (info !== undefined) {
    const [here, there] = [byPlain(stated.requiresDist), byPlain(info.requiresDist)];
    for (const [key, line] of here) if (!there.has(key)) differs('Requires-Dist', line, undefined);
    for (const [key, line] of there) if (!here.has(key)) differs('Requires-Dist', undefined, line);
  }
  return found.slice(0, MOST_NAMED);
}

/** `info` of `/pypi/NAME/VERSION/json`; undefined for what is no such document. */
export function releaseInfoIn(bytes: Uint8Array): ReleaseInfo | undefined {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
  const info = member(document, 'info');
  if (typeof info !== 'object' || info === null) return undefined;
  const [python, lines] = [member(info, 'requires_python'), member(info, 'requires_dist') ?? []];
  if (!Array.isArray(lines) || !lines.every((line) => typeof line === 'string')) return undefined;
  const requiresPython = typeof python === 'string' && python !== '' ? python : undefined;
  return { requiresPython, requiresDist: lines };
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null && Object.hasOwn(of, name) ? Reflect.get(of, name) : undefined;
}

function byPlain(lines: readonly string[]): ReadonlyMap<string, string> {
  return new Map(lines.map((line) => [plain(line), line]));
}

/** The same for whatever is written otherwise and means the same: blanks, quotes, brackets around versions, their order. */
function plain(line: string): string {
  const [what = '', ...marker] = line.toLowerCase().replaceAll('"', "'").split(';');
  const bare = (text: string) => text.replaceAll(/[\s()]/g, '');
  const [, name = '', versions = ''] = /^([a-z0-9._-]*(?:\[[^\]]*\])?)(.*)$/.exec(bare(what)) ?? [];
  return [name.replaceAll(/[-_.]+/g, '-'), versions.split(',').toSorted().join(), ...marker.map(bare)].join(';');
}

function quoted(text: string | undefined): string {
  if (text === undefined || text === '') return 'nothing';
  return `"${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}"`;
}
