import { Refusal } from '../bytes/refusal.ts';
import type { Listing, OwnFile } from './listing.ts';
import { versionOf } from './names.ts';
import { isRecord, type Json, readJson } from './read.ts';
import { versionKey } from './versions.ts';

/**
 * `/pypi/NAME/json`: upstream's document with its files pointing here, or one made of the project page where upstream has
 * none. A file stands in it only if the page lists it, with the page's digests. Undefined for an unknown version.
 */
export function legacyJson(
  upstream: Uint8Array | undefined,
  listing: Listing,
  version: string | undefined,
  base: string,
): Buffer | undefined {
  const releases = releasesOf(listing, base, upstream === undefined ? new Map() : upstreamFiles(readJson(upstream)));
  const wanted = version === undefined ? latest(releases) : keyIn(releases, version);
  if (version !== undefined && wanted === undefined) return undefined;
  const document = upstream === undefined ? {} : record(readJson(upstream));
  const info = isRecord(document['info']) ? document['info'] : {};
  return Buffer.from(
    JSON.stringify({
      ...document,
      info: { ...info, name: info['name'] ?? listing.name, version: info['version'] ?? wanted ?? '' },
      ...(version === undefined ? { releases: Object.fromEntries(releases) } : {}),
      urls: wanted === undefined ? [] : (releases.get(wanted) ?? []),
    }),
  );
}

type Files = Json[];

function releasesOf(listing: Listing, base: string, described: ReadonlyMap<string, Json>): Map<string, Files> {
  const releases = new Map<string, Files>();
  for (const version of listing.versions) releases.set(version, []);
  for (const file of listing.files.values()) {
    const { entry } = file;
    const version = versionOf(entry.filename, listing.name);
    if (version === undefined) continue;
    const key = keyIn(releases, version) ?? version;
    const files = releases.get(key) ?? [];
    files.push(fileOf(file, base, described.get(entry.filename)));
    releases.set(key, files);
  }
  return releases;
}

function keyIn(releases: ReadonlyMap<string, unknown>, version: string): string | undefined {
  if (releases.has(version)) return version;
  const key = versionKey(version);
  return [...releases.keys()].find((candidate) => versionKey(candidate) === key);
}

function latest(releases: ReadonlyMap<string, unknown>): string | undefined {
  return [...releases.keys()].at(-1);
}

function fileOf({ entry, path }: OwnFile, base: string, described: Json | undefined): Json {
  const digests = isRecord(described) && isRecord(described['digests']) ? described['digests'] : {};
  const blake = entry.digests.get('blake2b-256') ?? digests['blake2b_256'];
  return {
    // pip-tools looks no further where one file lacks it.
    packagetype: entry.filename.endsWith('.whl') ? 'bdist_wheel' : 'sdist',
    ...(isRecord(described) ? described : {}),
    filename: entry.filename,
    url: base + path.split('/').map(encodeURIComponent).join('/'),
    digests: {
      ...(entry.digests.has('sha256') ? { sha256: entry.digests.get('sha256') } : {}),
      ...(blake === undefined ? {} : { blake2b_256: blake }),
    },
    ...(entry.size === undefined ? {} : { size: entry.size }),
    ...(entry.uploadTime === undefined ? {} : { upload_time_iso_8601: entry.uploadTime }),
    requires_python: entry.requiresPython ?? null,
    yanked: entry.yanked !== undefined,
    yanked_reason: typeof entry.yanked === 'string' ? entry.yanked : null,
  };
}

function upstreamFiles(document: unknown): ReadonlyMap<string, Json> {
  const files = new Map<string, Json>();
  const { urls, releases } = record(document);
  const lists = [urls, ...(isRecord(releases) ? Object.values(releases) : [])];
  for (const list of lists)
    if (Array.isArray(list))
      for (const file of list)
        if (isRecord(file) && typeof file['filename'] === 'string') files.set(file['filename'], file);
  return files;
}

function record(value: unknown): Json {
  if (!isRecord(value)) throw new Refusal('format', 'The legacy JSON document is no object.', { subject: 'page' });
  return value;
}
