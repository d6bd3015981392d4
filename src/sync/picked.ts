import type { BelievedListing } from '../mirror/package-index.ts';
import type { OwnFile } from '../pypi/listing.ts';
import { markerHolds } from '../pypi/requirement/marker.ts';
import type { Environment } from '../pypi/resolving/environment.ts';
import type { LeftOut, ProjectReleases } from './catalog.ts';
import type { Told } from './report.ts';
import type { Asked } from './selection/asked.ts';

/** A file that is to be held. */
export interface PickedFile {
  readonly page: BelievedListing;
  readonly file: OwnFile;
  /** What its sha256 must be one of, where the page states none that a lock's could be compared with. */
  readonly oneOf?: ReadonlySet<string> | undefined;
}

/** What is to be held of one project. */
export interface Picked {
  readonly files: readonly PickedFile[];
  readonly missing: readonly Told[];
  readonly leftOut: LeftOut;
}

const NOTHING_LEFT_OUT: LeftOut = new Map();

/** Every release within the versions that are asked for. */
export function pickReleases({ page, releases, leftOut }: ProjectReleases, { specifiers, at, project }: Asked): Picked {
  const fit = releases.filter(({ version }) => specifiers.contains(version) || specifiers.text === '');
  const files = fit.flatMap((release) => release.files.map((file) => ({ page, file })));
  const why = `upstream has no release ${specifiers.text} that is to be taken`;
  const missing = files.length === 0 && specifiers.text !== '' ? [{ what: project, why, at }] : [];
  return { files, missing, leftOut: withPage(page, leftOut) };
}

/** What the page itself does not pass on, besides. */
function withPage(page: BelievedListing, leftOut: LeftOut): LeftOut {
  const lines = page.leftOut();
  if (lines.length === 0) return leftOut;
  const all = new Map(leftOut);
  for (const { name, why } of lines)
    all.set(`not passed on: ${why}`, [...(all.get(`not passed on: ${why}`) ?? []), name]);
  return all;
}

/** What a lock has of one project, for the environments that are given, or for all. */
export function pickLocked(
  { page, releases }: Pick<ProjectReleases, 'page' | 'releases'>,
  asked: Asked,
  environments: readonly Environment[],
): Picked {
  const there = environments.filter(
    ({ values }) =>
      (asked.marker === undefined || markerHolds(asked.marker, { values, extras: new Set() })) &&
      asked.isWanted?.(values) !== false,
  );
  const skipped = environments.length > 0 && there.length === 0;
  if (skipped)
    return { files: [], missing: [], leftOut: new Map([['for no environment that is given', [asked.project]]]) };
  const listed = releases.filter(({ version }) => asked.specifiers.contains(version)).flatMap(({ files }) => files);
  const picking: Picking = {
    page,
    asked,
    suits: suitsAny(there),
    files: [],
    missing: [],
    unsuited: [],
    isNarrowed: there.length > 0,
  };
  if (asked.files !== undefined) pickNamed(picking, asked.files);
  else pickHashed(picking, listed);
  const { files, missing, unsuited } = picking;
  return {
    files,
    missing,
    leftOut: unsuited.length === 0 ? NOTHING_LEFT_OUT : new Map([['for no environment that is given', unsuited]]),
  };
}

interface Picking {
  readonly page: BelievedListing;
  readonly asked: Asked;
  readonly suits: (filename: string) => boolean;
  readonly files: PickedFile[];
  readonly missing: Told[];
  readonly unsuited: string[];
  /** Not every file that the lock has is asked for: for some environments alone. */
  readonly isNarrowed: boolean;
}

function suitsAny(environments: readonly Environment[]): (filename: string) => boolean {
  if (environments.length === 0) return () => true;
  return (filename) => !filename.endsWith('.whl') || environments.some((each) => each.suits(filename));
}

function pickNamed(picking: Picking, wanted: ReadonlyMap<string, ReadonlySet<string>>): void {
  const { page, asked, suits, files, missing, unsuited } = picking;
  for (const [name, hashes] of wanted) {
    if (!suits(name)) {
      unsuited.push(name);
      continue;
    }
    const file = page.listing.files.get(name);
    const held = file === undefined ? undefined : comparison(file, hashes);
    if (file === undefined)
      missing.push({ what: name, why: page.refusal(name)?.message ?? 'upstream lists no such file', at: asked.at });
    else if (held === 'other') missing.push({ what: name, why: OTHER_HASH, at: asked.at });
    else files.push({ page, file, oneOf: held === 'unknown' ? hashes : undefined });
  }
}

const OTHER_HASH = 'upstream lists it with another digest than the lock';

/** The files that have one of the hashes; where there are none, every file of the version. */
function pickHashed(picking: Picking, listed: readonly OwnFile[]): void {
  const { page, asked, suits, files, missing, unsuited, isNarrowed } = picking;
  const { hashes, at, project, specifiers } = asked;
  const found = new Set<string>();
  for (const file of listed) {
    const shared = hashesOf(file).filter((hash) => hashes.has(hash));
    for (const hash of shared) found.add(hash);
    if (hashes.size > 0 && shared.length === 0) continue;
    if (suits(file.entry.filename)) files.push({ page, file });
    else unsuited.push(file.entry.filename);
  }
  const what = `${project}${specifiers.text}`;
  if (listed.length === 0) missing.push({ what, why: 'upstream has no such release', at });
  else if (files.length === 0 && (hashes.size === 0 || found.size > 0))
    missing.push({ what, why: 'no file that is asked for suits', at });
  // One that suits is enough for an installer there.
  if (isNarrowed && files.length > 0) return;
  for (const hash of hashes)
    if (!found.has(hash)) missing.push({ what, why: `no file of upstream has the hash ${hash}`, at });
}

function hashesOf({ entry: { digests } }: OwnFile): readonly string[] {
  return [...digests].map(([algorithm, hex]) => `${algorithm}:${hex}`);
}

/** Whether the page's digests are the lock's: where no algorithm is in both, only the bytes can tell. */
function comparison(file: OwnFile, hashes: ReadonlySet<string>): 'same' | 'other' | 'unknown' {
  if (hashes.size === 0) return 'same';
  const algorithms = new Set([...hashes].map((hash) => hash.slice(0, hash.indexOf(':'))));
  const stated = hashesOf(file).filter((hash) => algorithms.has(hash.slice(0, hash.indexOf(':'))));
  if (stated.length === 0) return 'unknown';
  return stated.every((hash) => hashes.has(hash)) ? 'same' : 'other';
}
