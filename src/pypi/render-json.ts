import type { Algorithm, Digests } from '../bytes/digest.ts';
import type { Entry } from './project-page.ts';
import { HIGHEST_MINOR, type Listing, type OwnFile } from './relink.ts';

// Written by hand, key by key: the same bytes for the same content, and `__proto__` stays a key like any other.
// No value is ever null: one of them makes uv reject the whole page.

/** Algorithms that Python's hashlib knows by this name, best first; PDM raises on any other. */
export const HASHLIB: readonly Algorithm[] = ['sha256', 'sha384', 'sha512'];

/** PEP 691 with 700, 714, 740 and 792. */
export function renderPageJson(listing: Listing): Buffer {
  const { projectStatus: status } = listing;
  return Buffer.from(
    object([
      ['meta', object([['api-version', JSON.stringify(listing.apiVersion)], ...unknown(listing.meta)])],
      ['name', JSON.stringify(listing.name)],
      [
        'project-status',
        status &&
          object([
            ['status', JSON.stringify(status.status)],
            ['reason', string(status.reason)],
          ]),
      ],
      ['versions', JSON.stringify(listing.versions)],
      ['files', `[\n${[...listing.files.values()].map(file).join(',\n')}\n]`],
      ...unknown(listing.extra),
    ]),
  );
}

/** PEP 691, the project list. */
export function renderListJson(names: readonly string[]): Buffer {
  const projects = names.map((name) => object([['name', JSON.stringify(name)]]));
  return Buffer.from(
    object([
      ['meta', object([['api-version', `"1.${HIGHEST_MINOR}"`]])],
      ['projects', `[\n${projects.join(',\n')}\n]`],
    ]),
  );
}

function file({ entry, href }: OwnFile): string {
  return object([
    ['filename', JSON.stringify(entry.filename)],
    ['url', JSON.stringify(href)],
    ['hashes', hashes(entry.digests) ?? '{}'],
    ['size', entry.size?.toString()],
    ['upload-time', string(entry.uploadTime)],
    ['requires-python', string(entry.requiresPython)],
    ['yanked', JSON.stringify(entry.yanked ?? false)],
    ['core-metadata', coreMetadata(entry)],
    ['provenance', string(entry.provenance)],
    ['gpg-sig', entry.gpgSig?.toString()],
    ...unknown(entry.extra),
  ]);
}

/** Never a bare `true`: PDM then parses an error page as metadata. */
function coreMetadata({ coreMetadata: stated }: Entry): string | undefined {
  return stated === undefined || stated === 'announced' ? undefined : hashes(stated);
}

function hashes(digests: Digests): string | undefined {
  const named = HASHLIB.filter((algorithm) => digests.has(algorithm));
  if (named.length === 0) return undefined;
  return object(named.map((algorithm) => [algorithm, string(digests.get(algorithm))]));
}

function unknown(extra: ReadonlyMap<string, unknown> | undefined): readonly Member[] {
  return extra === undefined ? [] : [...extra].map(([key, value]) => [key, JSON.stringify(value)]);
}

/** A key and its value as JSON; left out where undefined. */
type Member = readonly [key: string, json: string | undefined];

function object(members: readonly Member[]): string {
  let json = '';
  for (const [key, value] of members)
    if (value !== undefined) json += `${json === '' ? '' : ','}${JSON.stringify(key)}:${value}`;
  return `{${json}}`;
}

function string(value: string | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
