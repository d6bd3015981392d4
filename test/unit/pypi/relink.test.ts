import { describe, expect, it } from 'vitest';
import { claimedDigest } from '../../../src/bytes/content-path.ts';
import type { Statement } from '../../../src/bytes/digest.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import { baseOf, resolveLink } from '../../../src/pypi/links.ts';
import { hrefOf } from '../../../src/pypi/listing.ts';
import { fileByDigest, parseDigestLabel, relink, type Undigested } from '../../../src/pypi/relink.ts';
import { contentPathOf, jsonPage, line, onlyFile, PAGE_URL, SDIST, sha256, WHEEL } from './fixtures.ts';

const relinked = (files: readonly unknown[], known: Undigested['known'] = new Map(), changes = {}) =>
  relink(decodePage(jsonPage(files, changes), 'foo-bar'), {
    pageUrl: PAGE_URL,
    undigested: { known, others: 'no-digest' },
  });

describe('versions read off the file names', () => {
  it('come of distributions alone, variant wheels among them', () => {
    const names = [
      'foo_bar-2.0-variants.json',
      'foo_bar-3.0.nupkg',
      'foo_bar-1.0-py3-none-any-cpu.whl',
      'foo_bar-4.0-x.whlx',
    ];
    const files = names.map((name) => line(name));
    const listing = relinked(files, new Map(), { versions: undefined });
    expect([...listing.files.keys()]).toEqual(names);
    expect(listing.versions).toEqual(['1.0', '4.0']);
  });
});

describe('where a link leads', () => {
  const content = contentPathOf(WHEEL);

  it("PyPI's content path is recognised by its last four segments", () => {
    const link = resolveLink(`https://files.example/x/packages/${content}/${WHEEL}#sha256=0`, PAGE_URL);
    expect(link?.url).toBe(`https://files.example/x/packages/${content}/${WHEEL}`);
    expect(link?.filename).toBe(WHEEL);
    expect(link?.content === undefined ? '' : claimedDigest(link.content)).toBe(content.replaceAll('/', ''));
  });

  it.each([
    ['upper-case hex', `${content.toUpperCase()}/${WHEEL}`],
    ['a digit short', `${content.slice(0, -1)}/${WHEEL}`],
    ['cut elsewhere', `${content.replace(/^(..)\/(..)/, '$1$2/00')}/${WHEEL}`],
    ['no digits', `aa/bb/${'g'.repeat(60)}/${WHEEL}`],
  ])('not a content path: %s', (_, path) => {
    const link = resolveLink(`https://files.example/${path}`, PAGE_URL);
    expect(link?.filename).toBe(WHEEL);
    expect(link?.content).toBeUndefined();
  });

  it.each([
    ['relative', '../../f/x.zip', 'https://index.example/f/x.zip'],
    ['root', '/f/x.zip', 'https://index.example/f/x.zip'],
    ['scheme-relative', '//h.example/x.zip', 'https://h.example/x.zip'],
    ['query kept for upstream', 'x.zip?token=1', 'https://index.example/simple/foo-bar/x.zip?token=1'],
    ['empty fragment', 'x.zip#', 'https://index.example/simple/foo-bar/x.zip'],
  ])('%s', (_, listed, url) => {
    expect(resolveLink(listed, PAGE_URL)?.url).toBe(url);
  });

  it.each([
    'javascript:alert(1)',
    'java\nscript:x',
    'data:,x.zip',
    'file:///x.zip',
    'ftp://h/x.zip',
    'https://user@h/x.zip',
    'https://user:pass@h/x.zip',
    'https://:pass@h/x.zip',
    'http://',
    'https://h:99999/x.zip',
    'https://h/',
    'x%2fy.zip',
    'x%5cy.zip',
    'x%00.zip',
    '%ff.zip',
    '%',
  ])('refused: %s', (listed) => {
    expect(resolveLink(listed, PAGE_URL)).toBeUndefined();
  });

  it.each([
    [undefined, PAGE_URL],
    ['/files/', 'https://index.example/files/'],
    ['javascript:alert(1)', PAGE_URL],
    ['data:text/html,', PAGE_URL],
    ['http://[', PAGE_URL],
  ])('<base href=%s>', (base, expected) => {
    expect(baseOf(PAGE_URL, base)).toBe(expected);
  });
});

describe('the derived view', () => {
  it('a content path is kept below packages/', () => {
    const listing = relinked([line(WHEEL)]);
    const file = onlyFile(listing);
    expect(file.path).toBe(`packages/${contentPathOf(WHEEL)}/${WHEEL}`);
    expect(hrefOf(file)).toBe(`../../${file.path}`);
    expect(listing.byContentPath.get(`${contentPathOf(WHEEL)}/${WHEEL}`)).toBe(file);
    expect(listing.files.get(WHEEL)).toBe(file);
  });

  it('any other path becomes files/PROJECT/DIGEST/FILE', () => {
    const listing = relinked([line(WHEEL, { url: WHEEL })]);
    const file = onlyFile(listing);
    expect(file.path).toBe(`files/foo-bar/${sha256(WHEEL)}/${WHEEL}`);
    expect(file.upstream).toBe(PAGE_URL + WHEEL);
    expect(listing.byContentPath.size).toBe(0);
    expect(fileByDigest(listing, sha256(WHEEL), WHEEL)).toBe(file);
    expect(fileByDigest(listing, sha256('other'), WHEEL)).toBeUndefined();
    expect(fileByDigest(listing, sha256(WHEEL), SDIST)).toBeUndefined();
  });

  it('a digest other than sha256 is named in the path, and read back only as written', () => {
    const hex = 'a'.repeat(128);
    const listing = relinked([line(WHEEL, { url: WHEEL, hashes: { sha512: hex, md5: '0' } })]);
    expect(onlyFile(listing).path).toBe(`files/foo-bar/sha512-${hex}/${WHEEL}`);
    expect(fileByDigest(listing, `sha512-${hex}`, WHEEL)).toBe(onlyFile(listing));
    expect(parseDigestLabel(`blake2b-256-${'b'.repeat(64)}`)).toEqual(['blake2b-256', 'b'.repeat(64)]);
    for (const label of [`sha256-${'a'.repeat(64)}`, hex, 'a'.repeat(63), `SHA512-${hex}`, `md5-${hex}`, `-${hex}`, ''])
      expect(parseDigestLabel(label)).toBeUndefined();
  });

  it.each(['foo_bar-1.0+cu118-py3-none-any.whl', 'foo_bar-1!1.0-py3-none-any.whl'])('%s raw and encoded', (name) => {
    const raw = onlyFile(relinked([line(name, { url: name })]));
    const encoded = onlyFile(relinked([line(name, { url: name.replace('+', '%2B').replace('!', '%21') })]));
    expect(encoded.path).toBe(raw.path);
    expect(decodeURIComponent(hrefOf(raw))).toBe(`../../${raw.path}`);
    // However a client quotes it, the same decoded path arrives.
    expect(decodeURIComponent(hrefOf(raw).replace('!', '%21').replace('%2B', '+'))).toBe(`../../${raw.path}`);
  });

  it('what a URL would read as its own is encoded', () => {
    const name = 'foo_bar-1.0+a?b#c%2f&d-py3-none-any.whl';
    const file = onlyFile(relinked([line(name, { url: encodeURIComponent(name) })]));
    const url = new URL(hrefOf(file), 'http://mirror.example/a/b/simple/foo-bar/');
    expect(decodeURIComponent(url.pathname)).toBe(`/a/b/${file.path}`);
    expect(url.search + url.hash).toBe('');
  });

  it.each([
    ['no-digest', line(WHEEL, { hashes: { md5: '0'.repeat(32) } })],
    ['no-digest', line(WHEEL, { hashes: {} })],
    ['url', line(WHEEL, { url: `https://files.example/${SDIST}` })],
    ['url', line(WHEEL, { url: `https://user:pass@files.example/${WHEEL}` })],
    ['url', line(WHEEL, { url: `https://files.example/${WHEEL}/` })],
  ])('left out: %s', (fault, bad) => {
    const listing = relinked([bad, line(SDIST)]);
    expect([...listing.files.keys()]).toEqual([SDIST]);
    expect(listing.leftOut.counts).toEqual(new Map([[fault, 1]]));
  });
});

describe('what is known beside the page', () => {
  const target = (
    length: number | undefined,
    ...digests: ['sha256' | 'sha512' | 'blake2b-256', string][]
  ): Statement => ({
    length,
    digests: new Map(digests),
  });

  it('a signed target gives a bare anchor its digest and size', () => {
    const bare = line(WHEEL, { url: WHEEL, hashes: {}, size: undefined });
    const listing = relinked([bare], new Map([[WHEEL, target(77, ['sha256', sha256('t')])]]));
    expect(onlyFile(listing).entry).toMatchObject({ size: 77, digests: new Map([['sha256', sha256('t')]]) });
    expect(onlyFile(listing).path).toBe(`files/foo-bar/${sha256('t')}/${WHEEL}`);
    expect(listing.apiVersion).toBe('1.4');
  });

  it.each([
    ['digest', target(1234, ['sha256', sha256('other')])],
    ['length', target(1235, ['sha256', sha256(WHEEL)])],
  ])('another %s than the page lists', (_, known) => {
    const listing = relinked([line(WHEEL)], new Map([[WHEEL, known]]));
    expect(listing.files.size).toBe(0);
    expect(listing.leftOut.counts).toEqual(new Map([['disagrees', 1]]));
  });

  it('a digest learnt later does not move the file', () => {
    const listed = line(WHEEL, { url: WHEEL, hashes: { 'blake2b-256': 'b'.repeat(64) } });
    const before = relinked([listed]);
    const after = relinked([listed], new Map([[WHEEL, target(undefined, ['sha256', sha256(WHEEL)])]]));
    expect(onlyFile(after).path).toBe(onlyFile(before).path);
    expect(onlyFile(after).entry.digests.get('sha256')).toBe(sha256(WHEEL));
    expect(onlyFile(after).entry.size).toBe(1234);
    expect(fileByDigest(after, sha256(WHEEL), WHEEL)).toBe(onlyFile(after));
  });
});

describe('api-version and versions', () => {
  const meta = (version: string) => ({ meta: { 'api-version': version } });

  it.each([
    ['1.0', '1.1'],
    ['1.1', '1.1'],
    ['1.3', '1.3'],
    ['1.4', '1.4'],
    ['1.5', '1.4'],
    ['1.999', '1.4'],
  ])('upstream %s with every size → %s', (upstream, ours) => {
    expect(relinked([line(WHEEL)], undefined, meta(upstream)).apiVersion).toBe(ours);
  });

  it('J1: a size nobody stated makes it 1.0', () => {
    expect(relinked([line(WHEEL), line(SDIST, { size: undefined })]).apiVersion).toBe('1.0');
  });

  it('PEP 752: namespaces do not carry over', () => {
    expect([...relinked([], undefined, { namespaces: [], later: 1 }).extra.keys()]).toEqual(['later']);
  });

  it('versions keep upstream spelling and order, without those left without files', () => {
    const files = [
      line('foo_bar-2.0.0-py3-none-any.whl'),
      line('foo-bar-1.0-rc.1.tar.gz'),
      line('foo_bar-3.0.tar.gz', { hashes: {} }),
    ];
    const versions = ['3.0', '2.0', '1.0rc1', '0.1'];
    expect(relinked(files, undefined, { versions }).versions).toEqual(['2.0', '1.0rc1']);
  });

  it('versions are passed on as listed where no file was left out', () => {
    expect(relinked([line(WHEEL)], undefined, { versions: ['1.0', 'odd'] }).versions).toEqual(['1.0', 'odd']);
  });

  it('versions are read off the file names where upstream lists none', () => {
    const names = [
      'foo_bar-1.0-py3-none-any.whl',
      'foo-bar-1.0.0.zip',
      'foo_bar-2.0+cu_118-py3-none-any.whl',
      'foo-bar-x.zip',
    ];
    const files = names.map((name) => line(name));
    expect(relinked(files, undefined, { versions: undefined }).versions).toEqual(['1.0', '2.0+cu-118']);
  });
});
