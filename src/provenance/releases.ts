import { compareVersions, keyOf, parseVersion, type Version } from '../pypi/requirement/version.ts';
import type { Judgement } from './judge.ts';

/**
 * What is known of one file: its judgement; `none`: the index announces no provenance; `unknown`: it announces some, which is not
 * held here.
 */
export interface JudgedFile {
  readonly filename: string;
  readonly version: string;
  readonly provenance: Judgement | { readonly result: 'none' | 'unknown' };
}

/**
 * PyPI's words. Of a release: `full` (each file), `partial` (some), `inconsistent` (files of one release by different publishers), `no`.
 * Against the release before: `lost` (that one had some), `changed` (somebody else published that one).
 */
export type Word =
  | 'full-provenance'
  | 'partial-provenance'
  | 'inconsistent-provenance'
  | 'no-provenance'
  | 'lost-provenance'
  | 'changed-provenance';

export interface Release {
  readonly version: string;
  readonly files: readonly JudgedFile[];
  /** Empty where what is held does not say. */
  readonly words: readonly Word[];
}

/** Releases in PEP 440's order, oldest first, what is no version before them; each compared with the last one that is known. */
export function releasesOf(files: Iterable<JudgedFile>): readonly Release[] {
  const byVersion = new Map<string, { parsed: Version | undefined; files: JudgedFile[] }>();
  for (const file of files) {
    const parsed = parseVersion(file.version);
    const key = parsed === undefined ? file.version : keyOf(parsed);
    const release = byVersion.get(key) ?? { parsed, files: [] };
    release.files.push(file);
    byVersion.set(key, release);
  }
  const sorted = [...byVersion.values()].sort((one, other) => order(one.parsed, other.parsed));
  const releases: Release[] = [];
  let before: ReadonlySet<string> | undefined;
  for (const { files: own } of sorted) {
    const publishers = publishersOf(own);
    releases.push({ version: own[0]?.version ?? '', files: own, words: wordsOf(own, publishers, before) });
    if (publishers !== undefined) before = publishers;
  }
  return releases;
}

function order(one: Version | undefined, other: Version | undefined): number {
  if (one === undefined || other === undefined) return Number(other === undefined) - Number(one === undefined);
  return compareVersions(one, other);
}

function wordsOf(
  files: readonly JudgedFile[],
  publishers: ReadonlySet<string> | undefined,
  before: ReadonlySet<string> | undefined,
): readonly Word[] {
  if (publishers === undefined) return [];
  const had = before !== undefined && before.size > 0;
  if (publishers.size === 0) return [had ? 'lost-provenance' : 'no-provenance'];
  const isFull = files.every(({ provenance }) => provenance.result === 'verified');
  const state = differ(files) ? 'inconsistent-provenance' : isFull ? 'full-provenance' : 'partial-provenance';
  const isSame = !had || [...publishers].some((each) => before.has(each));
  return isSame ? [state] : [state, 'changed-provenance'];
}

/** Who published files of a release; undefined where some of it could not be judged, so that nobody can say who did not. */
function publishersOf(files: readonly JudgedFile[]): ReadonlySet<string> | undefined {
  const found = new Set(files.flatMap((file) => provedOf(file) ?? []));
  const isOpen = files.some(({ provenance: { result } }) => result !== 'verified' && result !== 'none');
  return found.size === 0 && isOpen ? undefined : found;
}

function differ(files: readonly JudgedFile[]): boolean {
  const each = files.map((file) => provedOf(file)?.join()).filter((one) => one !== undefined);
  return new Set(each).size > 1;
}

/** Who published one file, in order; undefined where that is not proved. */
function provedOf({ provenance }: JudgedFile): readonly string[] | undefined {
  if (provenance.result !== 'verified') return undefined;
  return provenance.publishers.map(({ id, workflow }) => `${id} ${workflow}`).sort();
}
