import type { JsonPieces } from '../bytes/json-pieces.ts';
import { Refusal } from '../bytes/refusal.ts';
import { bothWritten, readFragment, readWritten, UNSTATED } from './digests.ts';
import { gatherEntries, readProvenance, readSize, readTime } from './entry.ts';
import { MAX_EXTRA, MAX_EXTRA_KEYS, MAX_FILES, MAX_VALUES } from './limits.ts';
import { decodeOnce } from './links.ts';
import { normalizeName } from './names.ts';
import type { Entry, Extra, FaultyLine, Oddity, ProjectPage, ProjectStatus } from './project-page.ts';
import { bad, isRecord, type Json, openPage, readMeta } from './read.ts';

/** A PEP 691 project page, also where it says neither its version nor its name, which no installer looks at. Refuses `format`, `limit`, and `foreign` where it names another project. */
export function decodeJson(bytes: Uint8Array, project: string): ProjectPage {
  const { files, versions, status, extra, ...stated } = readPage(bytes, project);
  const odd: Oddity[] = [];
  const { meta, apiVersion } = readMeta(stated.meta);
  if (meta['api-version'] === undefined) odd.push('meta');
  const name = stated.name === undefined ? project : readName(stated.name);
  if (stated.name === undefined) odd.push('name');
  if (name !== project)
    throw new Refusal('foreign', `The page is for ${name}, not for ${project}.`, { subject: 'page' });
  if (files === undefined) throw bad('The page has no list of files.');
  const unknown = new Map<string, string>();
  for (const [key, value] of extra) if (files.keeps(key, value)) unknown.set(key, value);
  return {
    name,
    apiVersion,
    files: files.gathering.files(),
    versions,
    ...(odd.length > 0 && { odd }),
    projectStatus: readStatus(status),
    meta: files.unknownKeys(meta, META_KEYS) ?? new Map(),
    extra: unknown,
    leftOut: files.gathering.leftOut,
  };
}

function readName(stated: unknown): string {
  const name = typeof stated === 'string' ? normalizeName(stated) : undefined;
  if (name === undefined) throw bad('The page does not say which project it is for.');
  return name;
}

/** What stands in a page, the last of each name: one pass over its bytes, and nothing made of what is unknown and large. */
function readPage(bytes: Uint8Array, project: string) {
  const json = openPage(bytes, MAX_VALUES);
  const page: {
    meta?: unknown;
    name?: unknown;
    status?: unknown;
    files?: ReturnType<typeof readFiles> | undefined;
    versions?: readonly string[] | undefined;
    readonly extra: Map<string, string>;
  } = { extra: new Map() };
  let dropped = 0;
  if (json.kind !== 'object') throw bad('The page is no object.');
  json.members((key) => {
    if (key === 'meta') page.meta = json.value();
    else if (key === 'name') page.name = json.value();
    else if (key === 'project-status') page.status = json.value();
    else if (key === 'versions') page.versions = json.kind === 'array' ? readVersions(json) : undefined;
    else if (key === 'files') page.files = json.kind === 'array' ? readFiles(json, project) : undefined;
    else if (page.extra.size < MAX_EXTRA_KEYS) {
      const piece = json.pieceOrNone();
      if (piece === undefined) dropped++;
      else page.extra.set(key, JSON.stringify(piece.value));
    } else dropped++;
  });
  json.end();
  for (; dropped > 0; dropped--) page.files?.gathering.lacks('unknown-key');
  return page;
}

/** The lines of a page, and what of its unknown keys is passed on. */
function readFiles(json: JsonPieces, project: string) {
  const gathering = gatherEntries(project);
  let room = MAX_EXTRA;
  const keeps = (key: string, value: string): boolean => {
    room -= key.length + value.length;
    if (room >= 0) return true;
    room += key.length + value.length;
    gathering.lacks('unknown-key');
    return false;
  };
  const unknownKeys = (record: Json, known: ReadonlySet<string>): Extra | undefined => {
    let extra: Map<string, string> | undefined;
    for (const key of Object.keys(record)) {
      if (known.has(key)) continue;
      const value = JSON.stringify(record[key]);
      if (!keeps(key, value)) continue;
      extra ??= new Map();
      extra.set(key, value);
    }
    return extra;
  };
  json.elements(() => {
    const line = json.pieceOrNone();
    gathering.add(line === undefined ? { why: 'shape', name: '' } : readEntry(line.value, unknownKeys));
  });
  return { gathering, keeps, unknownKeys };
}

const META_KEYS: ReadonlySet<string> = new Set(['api-version']);
const FILE_KEYS: ReadonlySet<string> = new Set([
  'filename',
  'url',
  'hashes',
  'size',
  'upload-time',
  'requires-python',
  'yanked',
  'core-metadata',
  // PEP 714 and PyPI's own misspelling: read, never written (pip 22.3 to 23.0 crash on the first).
  'dist-info-metadata',
  'data-dist-info-metadata',
  'provenance',
  'gpg-sig',
]);

type UnknownKeys = (record: Json, known: ReadonlySet<string>) => Extra | undefined;

function readEntry(line: unknown, unknownKeys: UnknownKeys): Entry | FaultyLine {
  if (!isRecord(line)) return { why: 'shape', name: '' };
  const { filename, url, hashes = null } = line;
  if (typeof filename !== 'string') return { why: 'shape', name: '' };
  if (typeof url !== 'string') return { why: 'shape', name: filename };
  // PEP 691 demands it; whoever leaves it out states no digest there.
  if (hashes !== null && !isRecord(hashes)) return { why: 'shape', name: filename };
  const stated = readWritten(Object.entries(hashes ?? {}));
  const fragment = url.includes('#') ? readFragment(url.slice(url.indexOf('#') + 1)) : UNSTATED;
  const written = stated && fragment && bothWritten(stated, fragment);
  if (written === undefined) return { why: 'digest', name: filename };
  const requiresPython = line['requires-python'];
  return {
    filename: nameOf(filename, url),
    url,
    ...written,
    size: readSize(line['size']),
    uploadTime: readTime(line['upload-time']),
    requiresPython: typeof requiresPython === 'string' ? requiresPython : undefined,
    yanked: readYanked(line['yanked']),
    coreMetadata: readCoreMetadata(line),
    provenance: readProvenance(line['provenance']),
    gpgSig: typeof line['gpg-sig'] === 'boolean' ? line['gpg-sig'] : undefined,
    extra: unknownKeys(line, FILE_KEYS),
  };
}

/** Some indexes list a name as its URL spells it (`pct-3.1%2Bcpu.tar.gz`): one file has one name, in JSON as in HTML. */
function nameOf(filename: string, url: string): string {
  if (!filename.includes('%')) return filename;
  const [path = ''] = url.split(/[?#]/, 1);
  const decoded = decodeOnce(filename);
  return decoded !== undefined && decoded === decodeOnce(path.slice(path.lastIndexOf('/') + 1)) ? decoded : filename;
}

/** PEP 691: yanked where truthy; the reason where it is a string. */
function readYanked(yanked: unknown): true | string | undefined {
  if (!yanked) return undefined;
  return typeof yanked === 'string' ? yanked : true;
}

/** PEP 714: the new key decides where it is present. */
function readCoreMetadata(line: Json): Entry['coreMetadata'] {
  const stated = line['core-metadata'] ?? line['dist-info-metadata'] ?? line['data-dist-info-metadata'];
  if (!isRecord(stated)) return stated === true ? 'announced' : undefined;
  const digests = readWritten(Object.entries(stated))?.digests;
  return digests === undefined || digests.size === 0 ? 'announced' : digests;
}

/** PEP 792 puts it at the top, as an object. */
function readStatus(stated: unknown): ProjectStatus | undefined {
  if (!isRecord(stated) || typeof stated['status'] !== 'string') return undefined;
  const { status, reason } = stated;
  return typeof reason === 'string' ? { status, reason } : { status };
}

function readVersions(json: JsonPieces): readonly string[] {
  const versions: string[] = [];
  json.elements(() => {
    const version = json.value();
    if (typeof version === 'string' && versions.push(version) > MAX_FILES)
      throw new Refusal('limit', `The page names more than ${MAX_FILES} versions.`, { subject: 'page' });
  });
  return versions;
}
