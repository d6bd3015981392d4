import type { Instant } from '../bytes/instant.ts';
import type { JudgedPage } from '../pypi/listing.ts';
import { releaseVersionOf } from '../pypi/names.ts';
import { compareVersions, parseVersion, type Version } from '../pypi/requirement/version.ts';
import { versionKey } from '../pypi/versions.ts';

// What rules read off a page and its pins, kept as long as these: a page is judged again and again, and is the same page.

/** Files of one version, in whichever spelling. */
export interface ReleaseFiles {
  /** As the first of them spells it. */
  readonly version: string;
  /** Undefined for what cannot be compared. */
  readonly parsed: Version | undefined;
  readonly files: readonly string[];
}

const releases = new WeakMap<JudgedPage, readonly ReleaseFiles[]>();
const times = new WeakMap<object, Instant | undefined>();

/** In order of first appearance; files without a version are in none. */
export function releasesIn(page: JudgedPage): readonly ReleaseFiles[] {
  const known = releases.get(page);
  if (known !== undefined) return known;
  const found = new Map<string, { readonly version: string; readonly files: string[] }>();
  for (const filename of page.files.keys()) {
    const version = releaseVersionOf(filename, page.name);
    if (version === undefined) continue;
    const key = versionKey(version);
    const release = found.get(key);
    if (release === undefined) found.set(key, { version, files: [filename] });
    else release.files.push(filename);
  }
  const read = [...found.values()].map((each) => ({ ...each, parsed: parseVersion(each.version) }));
  releases.set(page, read);
  return read;
}

/** A release whose version can be compared. */
type ComparedRelease = ReleaseFiles & { readonly parsed: Version };

/** The oldest first. What has no version that can be compared is left out. */
export function releasesInOrder(page: JudgedPage): readonly ComparedRelease[] {
  return releasesIn(page)
    .flatMap(({ parsed, ...release }): readonly ComparedRelease[] =>
      parsed === undefined ? [] : [{ ...release, parsed }],
    )
    .sort((one, other) => compareVersions(one.parsed, other.parsed));
}

/** When a file was uploaded, as an entry or a pin states it: PEP 700 writes fractions of a second. Undefined for what is no time. */
export function uploadedAt(stating: { readonly uploadTime?: string | undefined }): Instant | undefined {
  if (stating.uploadTime === undefined) return undefined;
  const known = times.get(stating);
  if (known !== undefined || times.has(stating)) return known;
  const milliseconds = Date.parse(stating.uploadTime);
  const at = Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
  times.set(stating, at);
  return at;
}
