import { Refusal } from '../bytes/refusal.ts';
import { bothWritten, readFragment, readWritten, UNSTATED } from './digests.ts';
import { gatherEntries, readProvenance, readSize, readTime } from './entry.ts';
import { decodeOnce } from './links.ts';
import { normalizeName } from './names.ts';
import type { Entry, Extra, FaultyLine, Oddity, ProjectPage, ProjectStatus } from './project-page.ts';
import { bad, isRecord, type Json, readJson, readMeta } from './read.ts';

/** A PEP 691 project page, also where it says neither its version nor its name, which no installer looks at. Refuses `format`, `limit`, and `foreign` where it names another project. */
export function decodeJson(bytes: Uint8Array, project: string): ProjectPage {
  const page = readJson(bytes);
  if (!isRecord(page)) throw bad('The page is no JSON object.');
  const odd: Oddity[] = [];
  const { meta, apiVersion } = readMeta(page);
  if (meta['api-version'] === undefined) odd.push('meta');
  const name = page['name'] === undefined ? project : readName(page['name']);
  if (page['name'] === undefined) odd.push('name');
  if (name !== project)
    throw new Refusal('foreign', `The page is for ${name}, not for ${project}.`, { subject: 'page' });
  const lines = page['files'];
  if (!Array.isArray(lines)) throw bad('The page has no list of files.');
  const gathering = gatherEntries(project);
  for (const line of lines) gathering.add(readEntry(line));
  return {
    name,
    apiVersion,
    files: gathering.files(),
    versions: readVersions(page['versions']),
    ...(odd.length > 0 && { odd }),
    projectStatus: readStatus(page['project-status']),
    meta: unknownKeys(meta, META_KEYS) ?? new Map(),
    extra: unknownKeys(page, PAGE_KEYS) ?? new Map(),
    leftOut: gathering.leftOut,
  };
}

function readName(stated: unknown): string {
  const name = typeof stated === 'string' ? normalizeName(stated) : undefined;
  if (name === undefined) throw bad('The page does not say which project it is for.');
  return name;
}

const META_KEYS: ReadonlySet<string> = new Set(['api-version']);
const PAGE_KEYS: ReadonlySet<string> = new Set(['meta', 'name', 'files', 'versions', 'project-status']);
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

function readEntry(line: unknown): Entry | FaultyLine {
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

function readVersions(listed: unknown): readonly string[] | undefined {
  if (!Array.isArray(listed)) return undefined;
  return listed.filter((version): version is string => typeof version === 'string');
}

function unknownKeys(record: Json, known: ReadonlySet<string>): Extra | undefined {
  let extra: Map<string, unknown> | undefined;
  for (const key of Object.keys(record)) {
    if (known.has(key)) continue;
    extra ??= new Map();
    extra.set(key, record[key]);
  }
  return extra;
}
