import { openJson } from '../bytes/json-pieces.ts';
import { Refusal } from '../bytes/refusal.ts';
import { MAX_DEPTH, MAX_EXTRA_KEYS, MAX_VALUES } from '../pypi/limits.ts';
import type { Listing, OwnFile } from '../pypi/listing.ts';
import { isDistribution, versionOf } from '../pypi/names.ts';
import { isRecord, type Json } from '../pypi/read.ts';
import { versionKey } from '../pypi/versions.ts';

/**
 * `/pypi/NAME/json`: upstream's document with its files pointing here, or one made of the project page where upstream has
 * none. A file stands in it only if the page lists it, with the page's digests. Undefined for an unknown version, and for one of which
 * upstream does not say what it requires: PDM would take that for nothing, and without a document it reads the file's own metadata.
 */
export function legacyJson(
  upstream: Uint8Array | undefined,
  listing: Listing,
  version: string | undefined,
  base: string,
): Buffer | undefined {
  const { info, files, others } = readUpstream(upstream, listing);
  if (version !== undefined && !Object.hasOwn(info, 'requires_dist')) return undefined;
  const releases = releasesOf(listing, base, files);
  // Upstream's word for which is the newest; a release candidate may stand last in the list.
  const stated = typeof info['version'] === 'string' ? releases.spelled(info['version']) : undefined;
  const wanted = version === undefined ? (stated ?? latest(releases.files)) : releases.spelled(version);
  if (version !== undefined && wanted === undefined) return undefined;
  const urls = wanted === undefined ? [] : (releases.files.get(wanted) ?? []);
  return Buffer.from(
    JSON.stringify({
      ...others,
      info: {
        // PDM and Renovate read these, whatever they hold.
        summary: null,
        requires_python: urls[0]?.['requires_python'] ?? null,
        ...info,
        name: info['name'] ?? listing.name,
        version: info['version'] ?? wanted ?? '',
      },
      ...(version === undefined ? { releases: Object.fromEntries(releases.files) } : {}),
      urls,
    }),
  );
}

type Files = Json[];

interface Releases {
  /** By version, as the project spells it. */
  readonly files: ReadonlyMap<string, Files>;
  /** The spelling in `files` of a version spelled otherwise. */
  readonly spelled: (version: string) => string | undefined;
}

/** Linear: a project of ten thousand files may spell each version in two ways. */
function releasesOf(listing: Listing, base: string, described: ReadonlyMap<string, Json>): Releases {
  const releases = new Map<string, Files>();
  const spellings = new Map<string, string>();
  const spelled = (version: string) => (releases.has(version) ? version : spellings.get(versionKey(version)));
  const begin = (version: string): Files => {
    const files: Files = [];
    releases.set(version, files);
    const key = versionKey(version);
    if (!spellings.has(key)) spellings.set(key, version);
    return files;
  };
  for (const version of listing.versions) begin(version);
  for (const file of listing.files.values()) {
    const { entry } = file;
    const version = versionOf(entry.filename, listing.name);
    if (version === undefined || !isDistribution(entry.filename)) continue;
    const files = releases.get(spelled(version) ?? version) ?? begin(version);
    files.push(fileOf(file, base, described.get(entry.filename)));
  }
  return { files: releases, spelled };
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
    ...(entry.uploadTime === undefined ? {} : uploadedAt(entry.uploadTime)),
    requires_python: entry.requiresPython ?? null,
    yanked: entry.yanked !== undefined,
    yanked_reason: typeof entry.yanked === 'string' ? entry.yanked : null,
  };
}

/** Renovate and Dependabot read the older key, which is to the second and says no zone; it is UTC. */
function uploadedAt(time: string): Json {
  return { upload_time: time.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length), upload_time_iso_8601: time };
}

interface Described {
  readonly info: Json;
  /** By file name, as upstream describes them; of files that the page lists. */
  readonly files: ReadonlyMap<string, Json>;
  /** What stands beside them, except for what is larger than any of it should be. */
  readonly others: Json;
}

/** Piece by piece: nothing of it is proved, and all of it at once may be a hundred megabytes in memory. */
function readUpstream(upstream: Uint8Array | undefined, listing: Listing): Described {
  const files = new Map<string, Json>();
  const others = new Map<string, unknown>();
  let info: unknown;
  if (upstream === undefined) return { info: {}, files, others: {} };
  const json = openJson(upstream, LEGACY_LIMITS);
  const add = () => {
    if (json.kind !== 'array') return;
    json.elements(() => {
      const file = json.pieceOrNone()?.value;
      if (isRecord(file) && typeof file['filename'] === 'string' && listing.files.has(file['filename']))
        files.set(file['filename'], file);
    });
  };
  if (json.kind !== 'object')
    throw new Refusal('format', 'The legacy JSON document is no object.', { subject: 'page' });
  json.members((key) => {
    if (key === 'urls') add();
    else if (key === 'releases') {
      if (json.kind === 'object') json.members(add);
    } else if (key === 'info') info = json.value();
    else if (others.size < MAX_EXTRA_KEYS) {
      const piece = json.pieceOrNone();
      if (piece !== undefined) others.set(key, piece.value);
    }
  });
  json.end();
  return { info: isRecord(info) ? info : {}, files, others: Object.fromEntries(others) };
}

/** A description takes megabytes at most. */
const LEGACY_LIMITS = {
  what: 'The legacy JSON document',
  subject: 'page',
  depth: MAX_DEPTH,
  values: MAX_VALUES,
  piece: 4 * 1024 * 1024,
} as const;
