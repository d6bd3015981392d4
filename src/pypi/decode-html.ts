import { type Token, Tokenizer } from 'parse5';
import { Refusal } from '../bytes/refusal.ts';
import { cutDigest, readFragment, readWritten } from './digests.ts';
import { isEmptyPage } from './empty-page.ts';
import { gatherEntries, readProvenance, readSize, readTime } from './entry.ts';
import { MAX_ATTRIBUTES, MAX_LIST_VALUES, MAX_VALUES } from './limits.ts';
import { decodeOnce } from './links.ts';
import type { Entry, FaultyLine, ProjectPage, ProjectStatus } from './project-page.ts';
import { decodeText, readApiVersion } from './read.ts';
import { stateAfter } from './tokenizer-state.ts';

/**
 * A PEP 503 project page. Only parse5's tokenizer runs: anchors, `<base>` and `<meta>` need no tree, and without one
 * neither nesting nor misnesting costs anything (the tokenizer is linear).
 */
export function decodeHtml(bytes: Uint8Array, project: string): ProjectPage {
  const gathering = gatherEntries(project);
  const head = new Map<string, string>();
  let base: string | undefined;
  const html = decodeText(bytes);
  forEachTag(html, (tag, attributes) => {
    if (tag === 'a') {
      const line = readAnchor(attributes);
      if (line !== undefined) gathering.add(line);
    } else if (tag === 'base') base ??= attributes.get('href');
    else if (tag === 'meta') {
      const name = attributes.get('name')?.toLowerCase();
      if (name !== undefined && !head.has(name)) head.set(name, attributes.get('content') ?? '');
    }
  });
  // PEP 629: a page that does not say is 1.0.
  const apiVersion = readApiVersion(head.get('pypi:repository-version') ?? '1.0');
  const files = gathering.files();
  const isUndeclared = !head.has('pypi:repository-version');
  return {
    name: project,
    apiVersion,
    files,
    projectStatus: readStatus(head),
    ...(isUndeclared && { undeclared: true }),
    ...(isUndeclared && files.length === 0 && isEmptyPage(html, project) && { odd: ['empty'] }),
    base,
    meta: new Map(),
    extra: new Map(),
    leftOut: gathering.leftOut,
  };
}

/** The last path segment of every anchor of a project list; not yet judged as names. */
export function anchorNames(bytes: Uint8Array, add: (name: string) => void): void {
  const visit = (tag: string, attributes: Attributes) => {
    if (tag !== 'a') return;
    const path = attributes.get('href')?.replace(/[?#].*$/s, '');
    const last = path
      ?.replace(/\/(?:index\.html)?$/, '')
      .split('/')
      .at(-1);
    if (last !== undefined) add(last);
  };
  forEachTag(decodeText(bytes), visit, MAX_LIST_VALUES);
}

/** Every link of a page that may be one to a file, as it stands there, and the page's `<base href>`. */
export function anchorsOf(bytes: Uint8Array): {
  readonly base: string | undefined;
  readonly anchors: readonly { readonly filename: string; readonly attributes: Attributes }[];
} {
  const anchors: { readonly filename: string; readonly attributes: Attributes }[] = [];
  let base: string | undefined;
  forEachTag(decodeText(bytes), (tag, attributes) => {
    if (tag === 'base') base ??= attributes.get('href');
    if (tag !== 'a') return;
    const line = readAnchor(attributes);
    // Whoever reads it again as a line of a page counts what is wrong with its digest.
    if (line !== undefined && (!('why' in line) || line.why === 'digest'))
      anchors.push({ filename: 'why' in line ? line.name : line.filename, attributes });
  });
  return { base, anchors };
}

type Attributes = ReadonlyMap<string, string>;

const WANTED: ReadonlySet<string> = new Set(['a', 'base', 'meta']);

/** Counts what it makes: a tag may have as many attributes as fit into a page, and all of them stay until it ends. */
class CountingTokenizer extends Tokenizer {
  mostValues = MAX_VALUES;
  #values = 0;
  #attributes = 0;

  protected override _createStartTagToken(): void {
    this.#attributes = 0;
    this.#count();
    super._createStartTagToken();
  }

  protected override _createAttr(first: string): void {
    if (++this.#attributes > MAX_ATTRIBUTES) throw tooMany(`one tag with more than ${MAX_ATTRIBUTES} attributes`);
    this.#count();
    super._createAttr(first);
  }

  #count(): void {
    if (++this.#values > this.mostValues) throw tooMany(`more than ${this.mostValues} tags and attributes`);
  }
}

function tooMany(what: string): Refusal {
  return new Refusal('limit', `The page holds ${what}.`, { subject: 'page' });
}

type Visit = (tag: string, attributes: Attributes) => void;

function forEachTag(html: string, visit: Visit, mostValues: number = MAX_VALUES): void {
  const ignore = () => {};
  const tokenizer = new CountingTokenizer(
    {},
    {
      onStartTag({ tagName, attrs }: Token.TagToken) {
        tokenizer.state = stateAfter(tagName) ?? tokenizer.state;
        if (WANTED.has(tagName)) visit(tagName, new Map(attrs.map(({ name, value }) => [name, value])));
      },
      onEndTag: ignore,
      onComment: ignore,
      onDoctype: ignore,
      onEof: ignore,
      onCharacter: ignore,
      onNullCharacter: ignore,
      onWhitespaceCharacter: ignore,
    },
  );
  tokenizer.mostValues = mostValues;
  tokenizer.write(html, true);
}

/** PEP 503, 592, 658/714, 740; `data-size` and `data-upload-time` as uv reads them. Undefined for a mere anchor. */
function readAnchor(attributes: Attributes): Entry | FaultyLine | undefined {
  const href = attributes.get('href');
  if (href === undefined) return undefined;
  const [location = '', fragment = ''] = cut(href.trim(), '#');
  const [path] = cut(location, '?');
  const name = path.slice(path.lastIndexOf('/') + 1);
  // To a directory, to the page itself or a part of it: no file.
  if (name === '') return undefined;
  const filename = decodeOnce(name);
  if (filename === undefined) return { why: 'filename', name };
  const written = readFragment(fragment);
  if (written === undefined) return { why: 'digest', name: filename };
  const size = attributes.get('data-size');
  const gpgSig = attributes.get('data-gpg-sig');
  return {
    filename,
    url: location,
    ...written,
    size: size !== undefined && /^[0-9]{1,16}$/.test(size) ? readSize(Number(size)) : undefined,
    uploadTime: readTime(attributes.get('data-upload-time')),
    requiresPython: attributes.get('data-requires-python'),
    yanked: attributes.has('data-yanked') ? attributes.get('data-yanked') || true : undefined,
    coreMetadata: readCoreMetadata(attributes.get('data-core-metadata') ?? attributes.get('data-dist-info-metadata')),
    provenance: readProvenance(attributes.get('data-provenance')),
    gpgSig: gpgSig === 'true' ? true : gpgSig === 'false' ? false : undefined,
  };
}

function readCoreMetadata(stated: string | undefined): Entry['coreMetadata'] {
  if (stated === undefined || stated === '' || stated === 'false') return undefined;
  const digests = readWritten([cutDigest(stated)])?.digests;
  return digests === undefined || digests.size === 0 ? 'announced' : digests;
}

/** PEP 792. */
function readStatus(head: Attributes): ProjectStatus | undefined {
  const status = head.get('pypi:project-status');
  if (status === undefined) return undefined;
  const reason = head.get('pypi:project-status-reason');
  return reason === undefined ? { status } : { status, reason };
}

function cut(text: string, at: string): readonly [before: string, after: string] {
  const index = text.indexOf(at);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + at.length)];
}
