import { releasesInOrder } from '../../policy/read-once.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';
import { compareVersions, parseVersion } from '../../pypi/requirement/version.ts';

// Indexes order by name, where 2.9 stands behind 2.34; people look for the newest.

/** What is no version of PEP 440 comes last, as it is listed. */
export function versionsNewestFirst(versions: readonly string[]): readonly string[] {
  const read = versions.map((version) => ({ version, parsed: parseVersion(version) }));
  const compared = read.flatMap(({ version, parsed }) => (parsed === undefined ? [] : [{ version, parsed }]));
  compared.sort((one, other) => compareVersions(other.parsed, one.parsed));
  return [...compared, ...read.filter(({ parsed }) => parsed === undefined)].map(({ version }) => version);
}

/** By version, those of one version as they are listed; files without a version that can be compared come last. */
export function filesNewestFirst(listing: Listing): readonly OwnFile[] {
  const left = new Map(listing.files);
  const ordered: OwnFile[] = [];
  for (const { files } of releasesInOrder(listing).toReversed())
    for (const name of files) {
      const file = left.get(name);
      if (file !== undefined) ordered.push(file);
      left.delete(name);
    }
  return [...ordered, ...left.values()];
}
