import { MAX_LOOKED_THROUGH } from '../limits.ts';
import type { Listing, OwnFile } from '../listing.ts';
import { isDistribution, versionOf } from '../names.ts';
import { compareVersions, isPreRelease, parseVersion, type Version } from '../requirement/version.ts';

const WHEEL = '.whl';
const FOR_ALL = '-none-any.whl';

/**
 * The wheel that an installer most likely asks for core metadata of: of the newest release that is neither a pre-release nor yanked. One
 * for every platform before one whose tags `suits` says yes to, and that before any other. Undefined where that release has none with
 * core metadata of a stated digest, and of a page with more than MAX_LOOKED_THROUGH files.
 */
export function newestWheel(listing: Listing, suits: (tags: string) => boolean): OwnFile | undefined {
  if (listing.files.size > MAX_LOOKED_THROUGH) return undefined;
  const releases = new Map<string, Version | undefined>();
  let newest: Version | undefined;
  let files: OwnFile[] = [];
  for (const file of listing.files.values()) {
    const { filename, yanked } = file.entry;
    if (yanked !== undefined || !isDistribution(filename)) continue;
    const version = writtenVersion(filename, listing.name);
    if (!releases.has(version)) releases.set(version, releaseOf(version));
    const release = releases.get(version);
    if (release === undefined) continue;
    const order = newest === undefined ? 1 : compareVersions(release, newest);
    if (order < 0) continue;
    if (order > 0) {
      newest = release;
      files = [];
    }
    files.push(file);
  }
  const wheels = files.filter(isReadAhead);
  return (
    wheels.find(({ entry }) => entry.filename.endsWith(FOR_ALL)) ??
    wheels.find(({ entry }) => suits(tagsOf(entry.filename))) ??
    wheels[0]
  );
}

/** Python, ABI and platform tag of a wheel (PEP 425), as its name has them. */
export function tagsOf(filename: string): string {
  return filename.slice(0, -WHEEL.length).split('-').slice(-3).join('-');
}

function isReadAhead({ entry: { filename, coreMetadata } }: OwnFile): boolean {
  return filename.endsWith(WHEEL) && coreMetadata !== undefined && coreMetadata !== 'announced';
}

/** Wheels are many, and their names are cut at dashes. */
function writtenVersion(filename: string, project: string): string {
  if (!filename.endsWith(WHEEL)) return versionOf(filename, project) ?? '';
  const start = filename.indexOf('-') + 1;
  return filename.slice(start, filename.indexOf('-', start));
}

/** Undefined for a pre- or development release, and for what is no version. */
function releaseOf(written: string): Version | undefined {
  const version = parseVersion(written.replace(/_/g, '-'));
  return version === undefined || isPreRelease(version) ? undefined : version;
}
