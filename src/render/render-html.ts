import type { Digests } from '../bytes/digest.ts';
import { hrefOf, type Listing, type OwnFile } from '../pypi/listing.ts';
import { HIGHEST_MINOR } from '../pypi/relink.ts';
import { joinedLines, mapped } from './joined.ts';
import { evidenceOf, HASHLIB } from './render-json.ts';

/** PEP 503 with 592, 629, 658/714, 740 and 792, written from the model: nothing of upstream's markup comes through. */
export function renderPageHtml(listing: Listing): Buffer {
  const { name, projectStatus: status } = listing;
  const top = head(`Links for ${name}`, listing.apiVersion, [
    ['pypi:project-status', status?.status],
    ['pypi:project-status-reason', status?.reason],
  ]);
  return document(
    top,
    mapped(listing.files.values(), (file) => anchor(file, listing.linkBase)),
  );
}

/** PEP 503, the project list. */
export function renderListHtml(names: readonly string[]): Buffer {
  const anchor = (name: string) => `<a href="${escapeHtml(encodeURIComponent(name))}/">${escapeHtml(name)}</a><br>`;
  return document(head('Simple index', `1.${HIGHEST_MINOR}`, []), mapped(names, anchor));
}

function document(top: readonly string[], anchors: Iterable<string>): Buffer {
  const lines = function* () {
    yield* top;
    yield* anchors;
  };
  return joinedLines('', lines(), '\n', '\n</body>\n</html>\n');
}

type Attribute = readonly [name: string, value: string | undefined];

function head(title: string, apiVersion: string, meta: readonly Attribute[]): readonly string[] {
  const stated: readonly Attribute[] = [['pypi:repository-version', apiVersion], ...meta];
  return [
    '<!DOCTYPE html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    ...stated.flatMap(([name, content]) =>
      content === undefined ? [] : [`<meta name="${name}" content="${escapeHtml(content)}">`],
    ),
    `<title>${escapeHtml(title)}</title>`,
    '</head>',
    '<body>',
    `<h1>${escapeHtml(title)}</h1>`,
  ];
}

function anchor(file: OwnFile, linkBase: string | undefined): string {
  const { entry } = file;
  const href = hrefOf(file, linkBase);
  const { coreMetadata } = entry;
  const metadata = coreMetadata === 'announced' || coreMetadata === undefined ? undefined : digest(coreMetadata);
  const md5 = entry.weak?.get('md5');
  const fragment = digest(entry.digests) ?? (md5 && `md5=${md5}`);
  return (
    '<a' +
    attribute('href', fragment === undefined ? href : `${href}#${fragment}`) +
    attribute('data-requires-python', entry.requiresPython) +
    attribute('data-yanked', entry.yanked === true ? '' : entry.yanked) +
    // PEP 714: both names, for pip of every age.
    attribute('data-core-metadata', metadata) +
    attribute('data-dist-info-metadata', metadata) +
    attribute('data-provenance', entry.provenance) +
    attribute('data-gpg-sig', entry.gpgSig?.toString()) +
    attribute('data-size', entry.size?.toString()) +
    attribute('data-upload-time', entry.uploadTime) +
    attribute('data-verbatim-evidence', evidenceOf(file)) +
    attribute('data-verbatim-held', file.unheld === true ? 'false' : undefined) +
    `>${escapeHtml(entry.filename)}</a><br>`
  );
}

function attribute(name: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${name}="${escapeHtml(value)}"`;
}

/** One digest, as a fragment has it; uv refuses any but hashlib's. */
function digest(digests: Digests): string | undefined {
  const algorithm = HASHLIB.find((name) => digests.has(name));
  return algorithm === undefined ? undefined : `${algorithm}=${digests.get(algorithm)}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** HTML has no control characters, and every parser makes one line feed of CR and CRLF; the JSON form keeps them all. */
export function escapeHtml(text: string): string {
  if (!/[&<>"'\r\0-\x08\x0b\x0e-\x1f\x7f-\x9f]/.test(text)) return text;
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\0-\x08\x0b\x0e-\x1f\x7f-\x9f]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
