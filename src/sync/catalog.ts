import type { Caller } from '../async/caller.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { BelievedListing, ListedSerials, PackageIndex } from '../mirror/package-index.ts';
import type { OwnFile } from '../pypi/listing.ts';
import { isDistribution, pep440VersionOf } from '../pypi/names.ts';
import { compareVersions, isPreRelease, keyOf, parseVersion, type Version } from '../pypi/requirement/version.ts';
import { type Dependencies, dependenciesOf } from '../pypi/resolving/dependencies.ts';
import type { Filters } from './filters.ts';
import type { Attempt } from './retry.ts';

/** One release of a project, with the files of it that filters leave. */
export interface Release {
  readonly project: string;
  /** As its files write it. */
  readonly version: string;
  /** Undefined for what is no version: it stands behind all that are one. */
  readonly parsed: Version | undefined;
  readonly isPre: boolean;
  /** Every file is yanked. */
  readonly isYanked: boolean;
  readonly page: BelievedListing;
  readonly files: readonly OwnFile[];
}

/** What was left out of a project, by why. */
export type LeftOut = ReadonlyMap<string, readonly string[]>;

export interface ProjectReleases {
  readonly page: BelievedListing;
  /** Newest first. */
  readonly releases: readonly Release[];
  readonly leftOut: LeftOut;
}

export interface CatalogOptions {
  readonly index: Pick<PackageIndex, 'listing' | 'coreMetadata' | 'look' | 'signed'>;
  readonly filters: Filters;
  /** Upstream is not asked whether a page has changed. */
  readonly isOffline: boolean;
  /** Projects whose pages this round has looked at already; added to. */
  readonly looked: Set<string>;
  /** What upstream's list says of pages; undefined where it was not asked, or says nothing. */
  readonly listed: ListedSerials | undefined;
  /** Projects whose pages upstream was not asked for, because its list says that they are what they were; added to. */
  readonly spared: Set<string>;
  /** Projects whose pages were new, or had changed; added to. */
  readonly changed: Set<string>;
  readonly caller: Caller;
  readonly attempt: Attempt;
}

/** Changed pages that are told by name. */
const MOST_CHANGED = 100_000;

/** What an index has of projects, as believed pages say it, without what filters leave out. */
export class Catalog {
  readonly #options: CatalogOptions;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** As upstream has it now. Throws Refusal; `unlisted` where there is no such project, `policy` where it is not to be taken. */
  async releases(project: string): Promise<ProjectReleases> {
    const { index, filters, caller, attempt, isOffline, looked, changed } = this.#options;
    const denied = filters.project(project);
    if (denied !== undefined)
      throw new Refusal('policy', `${project} is not taken: it is ${denied}.`, { subject: 'request' });
    // Of a signed index the snapshot says what is new.
    const held = looked.has(project) ? undefined : await this.#unchanged(project);
    if (held !== undefined) return releasesOf(held, filters);
    if (!isOffline && index.signed === undefined && !looked.has(project)) {
      const came = await attempt(() => index.look(project, caller));
      if ((came === 'new' || came === 'changed') && changed.size < MOST_CHANGED) changed.add(project);
      looked.add(project);
    }
    return releasesOf(await attempt(() => index.listing(project, caller)), filters);
  }

  /** The page that is held, where upstream need not be asked for it. */
  async #unchanged(project: string): Promise<BelievedListing | undefined> {
    const { listed, spared, caller } = this.#options;
    const page = await listed?.unchanged(project, caller);
    if (page === undefined) spared.delete(project);
    else spared.add(project);
    return page;
  }

  /** What one of its files requires; undefined where nobody can say without building it. Throws Refusal. */
  async dependencies(release: Release, files: readonly OwnFile[]): Promise<Dependencies | undefined> {
    const { index, caller, attempt } = this.#options;
    // Whatever is announced is smaller than the file.
    const ranked = files.toSorted((one, other) => rank(one) - rank(other));
    for (const { entry } of ranked) {
      const metadata = await attempt(() => index.coreMetadata(release.page, entry.filename, caller));
      if (metadata !== undefined) return dependenciesOf(metadata);
    }
    return undefined;
  }
}

function rank({ entry: { filename, coreMetadata } }: OwnFile): number {
  return (filename.endsWith('.whl') ? 0 : 2) + (coreMetadata === undefined ? 1 : 0);
}

function releasesOf(page: BelievedListing, filters: Filters): ProjectReleases {
  const { listing } = page;
  const leftOut = new Map<string, string[]>();
  const leave = (why: string, filename: string) => leftOut.set(why, [...(leftOut.get(why) ?? []), filename]);
  const byKey = new Map<string, { version: string; parsed: Version | undefined; files: OwnFile[] }>();
  for (const file of listing.files.values()) {
    const { filename } = file.entry;
    if (!isDistribution(filename)) continue;
    const version = pep440VersionOf(filename, listing.name) ?? '';
    const parsed = parseVersion(version);
    const why =
      filters.release(listing.name, version) ??
      filters.file(file) ??
      (isLeftOutPre(parsed, filters) ? 'a pre-release' : undefined);
    if (why !== undefined) {
      leave(why, filename);
      continue;
    }
    const key = parsed === undefined ? version : keyOf(parsed);
    const release = byKey.get(key) ?? { version, parsed, files: [] };
    release.files.push(file);
    byKey.set(key, release);
  }
  const all = [...byKey.values()].sort(newestFirst).map(({ version, parsed, files }) => ({
    project: listing.name,
    version,
    parsed,
    isPre: parsed !== undefined && isPreRelease(parsed),
    isYanked: files.every(({ entry }) => entry.yanked !== undefined),
    page,
    files,
  }));
  const kept = filters.latestRelease ?? all.length;
  for (const { files } of all.slice(kept))
    for (const { entry } of files) leave(`older than the ${kept} newest releases`, entry.filename);
  return { page, releases: all.slice(0, kept), leftOut };
}

function isLeftOutPre(parsed: Version | undefined, { preReleases, latestRelease }: Filters): boolean {
  return !(preReleases ?? latestRelease === undefined) && parsed !== undefined && isPreRelease(parsed);
}

function newestFirst(
  one: { readonly parsed: Version | undefined },
  other: { readonly parsed: Version | undefined },
): number {
  if (one.parsed === undefined || other.parsed === undefined)
    return Number(one.parsed === undefined) - Number(other.parsed === undefined);
  return compareVersions(other.parsed, one.parsed);
}
