import type { Listing, OwnFile } from '../../pypi/listing.ts';
import { isDistribution, pep440VersionOf } from '../../pypi/names.ts';
import { compareVersions, parseVersion, type Version } from '../../pypi/requirement/version.ts';
import { FILES, LARGEST_WHEEL, RELEASES } from './limits.ts';

/** Files of the newest releases, or of all, the newest first: so many at a time of those that are to be looked at. */
export function nextFiles(
  listing: Listing,
  { all, isWanted }: { readonly all: boolean; readonly isWanted: (file: OwnFile) => boolean },
): readonly OwnFile[] {
  return releasesOf(listing)
    .slice(0, all ? undefined : RELEASES)
    .flatMap(({ files }) => files)
    .filter(isWanted)
    .slice(0, FILES);
}

/** One wheel of each release before that of this file, the nearest first, the smallest of each; none that is too large to be fetched for that. */
export function earlierWheels(listing: Listing, { entry }: OwnFile): readonly OwnFile[] {
  const own = versionIn(listing, entry.filename);
  return releasesOf(listing).flatMap(({ version, files }) => {
    if (own === undefined || compareVersions(version, own) >= 0) return [];
    const wheels = files.filter(isSmallWheel).toSorted((one, other) => sizeOf(one) - sizeOf(other));
    return wheels.slice(0, 1);
  });
}

/** A wheel that may be fetched though nobody asked for it. */
export function isSmallWheel(file: OwnFile): boolean {
  return file.entry.filename.endsWith('.whl') && sizeOf(file) <= LARGEST_WHEEL;
}

function sizeOf({ entry }: OwnFile): number {
  return entry.size ?? LARGEST_WHEEL;
}

interface Release {
  readonly version: Version;
  readonly files: OwnFile[];
}

function releasesOf(listing: Listing): readonly Release[] {
  const releases = new Map<string, Release>();
  for (const file of listing.files.values()) {
    const { filename } = file.entry;
    const version = isDistribution(filename) ? versionIn(listing, filename) : undefined;
    if (version === undefined) continue;
    const key = pep440VersionOf(filename, listing.name) ?? '';
    const release = releases.get(key);
    if (release === undefined) releases.set(key, { version, files: [file] });
    else release.files.push(file);
  }
  return [...releases.values()].sort((one, other) => compareVersions(other.version, one.version));
}

function versionIn({ name }: Listing, filename: string): Version | undefined {
  const written = pep440VersionOf(filename, name);
  return written === undefined ? undefined : parseVersion(written);
}
