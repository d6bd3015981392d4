import { describe, expect, it } from 'vitest';
import { decodeList, decodePage, decodeSerials, formOf } from '../../../src/pypi/decode.ts';
import { bytes, jsonPage, line, refusedFor, SDIST, sha256, WHEEL } from './fixtures.ts';

const decode = (page: Uint8Array) => decodePage(page, 'foo-bar');
const decodeLine = (changes: Readonly<Record<string, unknown>>) => decode(jsonPage([line(WHEEL, changes)])).files[0];

describe('PEP 691 pages', () => {
  it('a page as PyPI writes it', () => {
    const page = decode(jsonPage([line(WHEEL), line(SDIST)], { 'project-status': { status: 'active' } }));
    expect(page.files.map(({ filename }) => filename)).toEqual([WHEEL, SDIST]);
    expect(page.apiVersion).toBe('1.4');
    expect(page.versions).toEqual(['1.0']);
    expect(page.projectStatus).toEqual({ status: 'active' });
    expect(page.meta).toEqual(new Map([['_last-serial', '42']]));
    expect(page.leftOut.counts.size).toBe(0);
    expect(page.files[0]).toMatchObject({
      digests: new Map([['sha256', sha256(WHEEL)]]),
      coreMetadata: new Map([['sha256', sha256(`metadata of ${WHEEL}`)]]),
      size: 1234,
      uploadTime: '2024-02-29T03:04:05.123456Z',
      requiresPython: '>=3.8',
      yanked: undefined,
      provenance: undefined,
    });
  });

  it.each([
    ['as its URL spells it', 'foo_bar-1%2Bcpu.tar.gz', 'foo_bar-1%2Bcpu.tar.gz', 'foo_bar-1+cpu.tar.gz'],
    ['decoded', 'foo_bar-1+cpu.tar.gz', 'foo_bar-1%2Bcpu.tar.gz', 'foo_bar-1+cpu.tar.gz'],
    ['with a percent sign of its own', 'foo_bar-1%2Bcpu.tar.gz', 'foo_bar-1%252Bcpu.tar.gz', 'foo_bar-1%2Bcpu.tar.gz'],
    [
      'before a query and a fragment',
      'foo_bar-1%2Bcpu.tar.gz',
      'foo_bar-1%2Bcpu.tar.gz?a=/b#c/d',
      'foo_bar-1+cpu.tar.gz',
    ],
    ['of another file', 'foo_bar-1%2Bcpu.tar.gz', 'foo_bar-2%2Bcpu.tar.gz', 'foo_bar-1%2Bcpu.tar.gz'],
    ['with what is no escape', 'foo_bar-1%zz.tar.gz', 'foo_bar-1%zz.tar.gz', 'foo_bar-1%zz.tar.gz'],
  ])('a file name %s', (_, filename, url, name) => {
    expect(decodeLine({ filename, url: `https://files.example/${url}` })?.filename).toBe(name);
  });

  it('one file listed under both spellings is one file', () => {
    const url = 'https://files.example/foo_bar-1%2Bcpu.tar.gz';
    const spelled = (filename: string) => line(filename, { url });
    const page = decode(jsonPage([spelled('foo_bar-1%2Bcpu.tar.gz'), spelled('foo_bar-1+cpu.tar.gz')]));
    expect(page.files.map(({ filename }) => filename)).toEqual(['foo_bar-1+cpu.tar.gz']);
    expect(page.leftOut.counts.get('duplicate')).toBe(1);
  });

  it('the name may be spelled as it likes, but must be this project', () => {
    expect(decode(jsonPage([], { name: 'Foo.Bar' })).name).toBe('foo-bar');
    refusedFor('foreign', () => decode(jsonPage([], { name: 'foo' })));
    refusedFor('format', () => decode(jsonPage([], { name: '../foo' })));
  });

  it.each([
    ['2.x', { meta: { 'api-version': '2.0' } }],
    ['api-version a number', { meta: { 'api-version': 1.1 } }],
    ['meta an array', { meta: [] }],
    ['a name that is none', { name: 7 }],
    ['no files', { files: undefined }],
    ['files an object', { files: {} }],
  ])('not the shape of PEP 691: %s', (_, changes) => {
    refusedFor('format', () => decode(jsonPage([], changes)));
  });

  it.each([
    ['no meta', { meta: undefined }, ['meta']],
    ['no api-version', { meta: {} }, ['meta']],
    ['no name', { name: undefined }, ['name']],
    ['neither', { meta: undefined, name: undefined }, ['meta', 'name']],
  ])('read as installers read it, and called odd: %s', (_, changes, odd) => {
    const usual = decode(jsonPage([line(WHEEL)]));
    const page = decode(jsonPage([line(WHEEL)], changes));
    expect([page.name, page.files, page.odd]).toEqual([usual.name, usual.files, odd]);
    expect(page.apiVersion).toBe(odd.includes('meta') ? '1.0' : usual.apiVersion);
    expect(usual.odd).toBeUndefined();
  });

  it.each(['', ' ', '{', '{"meta"', '[]', 'null', '"x"', '\u0000', 'plain text'])('not a page: %j', (text) => {
    refusedFor('format', () => decode(bytes(text)));
    refusedFor('format', () => decodePage(bytes(text), 'foo-bar', 'json'));
  });

  it.each(['[]', 'null', '"x"'])('what is JSON and no object is told so: %s', (text) => {
    const refused = (what: string) => expect.objectContaining({ reason: 'format', message: `${what} is no object.` });
    expect(() => decodePage(bytes(text), 'foo-bar', 'json')).toThrow(refused('The page'));
    expect(() => decodeList(bytes(text), 'json')).toThrow(refused('The project list'));
  });

  it('ill-formed UTF-8 is refused; a byte order mark is not', () => {
    const whole = jsonPage([], { note: '?' }).map((byte) => (byte === 0x3f ? 0xff : byte));
    refusedFor('format', () => decode(whole));
    expect(decode(Uint8Array.from([0xef, 0xbb, 0xbf, ...jsonPage([])])).name).toBe('foo-bar');
  });

  it('nesting is bounded before it is parsed, and brackets in strings do not count', () => {
    refusedFor('limit', () => decode(bytes(`{"a":${'['.repeat(1_000_000)}`)));
    refusedFor('limit', () => decode(bytes(`{"a":${'['.repeat(40)}${']'.repeat(40)}}`)));
    expect(decode(jsonPage([], { note: `\\"${'[{'.repeat(100)}` })).extra.get('note')).toHaveLength(206);
  });

  it('more files than any project has', () => {
    refusedFor('limit', () => decode(jsonPage(new Array(100_001).fill(0))));
  });
});

describe('what a page may hold', () => {
  const text = (of: Uint8Array) => new TextDecoder().decode(of);
  /** A page with one more key, written by hand. */
  const withKey = (value: string, files: readonly unknown[] = [line(WHEEL)]) =>
    bytes(text(jsonPage(files)).replace(/\}$/, `,"z":${value}}`));

  it('more values than any page has, wherever they stand', () => {
    const many = `[${'{},'.repeat(2_000_000)}{}]`;
    refusedFor('limit', () => decode(withKey(many)));
    refusedFor('limit', () =>
      decodeList(bytes(`{"meta":{"api-version":"1.0"},"z":[${many},${many},${many},${many}],"projects":[]}`)),
    );
  });

  it('a large unknown key is left out unparsed and counted; the page is served without it', () => {
    const page = decode(withKey(`[${'{},'.repeat(100_000)}{}]`));
    expect(page.files.map(({ filename }) => filename)).toEqual([WHEEL]);
    expect(page.extra.has('z')).toBe(false);
    expect(page.leftOut.counts).toEqual(new Map([['unknown-key', 1]]));
  });

  it('unknown keys together have a limit, at the top and in the lines alike', () => {
    const note = 'x'.repeat(60_000);
    const files = Array.from({ length: 30 }, (_, at) => line(`foo_bar-${at}.0.tar.gz`, { note }));
    const page = decode(jsonPage(files, { late: 1 }));
    expect(page.files).toHaveLength(30);
    expect(page.files.filter(({ extra }) => extra?.has('note')).length).toBe(17);
    expect(page.leftOut.counts).toEqual(new Map([['unknown-key', 13]]));
    const keys = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`k${at}`, at]));
    expect(decode(jsonPage([], keys)).leftOut.counts).toEqual(new Map([['unknown-key', 300 - 256]]));
  });

  it('a line of more than 64 KiB is no line, and the others are served', () => {
    const page = decode(jsonPage([line(WHEEL, { note: 'x'.repeat(70_000) }), line(SDIST)]));
    expect(page.files.map(({ filename }) => filename)).toEqual([SDIST]);
    expect(page.leftOut.counts).toEqual(new Map([['shape', 1]]));
  });

  it('more versions than any project has', () => {
    refusedFor('limit', () => decode(jsonPage([], { versions: new Array(100_001).fill('1') })));
  });

  it('a list that names its projects twice is refused', () => {
    refusedFor('format', () => decodeList(bytes('{"meta":{"api-version":"1.0"},"projects":[],"projects":[]}')));
  });
});

describe('what a list counts for its projects', () => {
  const listed = (...projects: readonly unknown[]) =>
    bytes(JSON.stringify({ meta: { 'api-version': '1.4', '_last-serial': 9 }, projects }));

  it('is read by normalized name, and of what is no count nothing is', () => {
    const counted = [
      { name: 'Foo.Bar', '_last-serial': 7 },
      { name: 'baz', '_last-serial': 2 ** 53 },
      { name: 'text', '_last-serial': '7' },
      { name: 'none' },
      { name: 'zero', '_last-serial': 0 },
      { name: 'half', '_last-serial': 1.5 },
      { name: '../x', '_last-serial': 7 },
      { '_last-serial': 7 },
      7,
      null,
    ];
    expect([...decodeSerials(listed(...counted))]).toEqual([['foo-bar', 7]]);
  });

  it('is nothing of a project that is there twice, whatever it counts', () => {
    const serial = (name: string, to: number) => ({ name, '_last-serial': to });
    for (const others of [[serial('Foo', 7)], [serial('foo', 8), serial('FOO', 7)], [{ name: 'foo' }]])
      expect([...decodeSerials(listed(serial('foo', 7), serial('bar', 1), ...others))]).toEqual([['bar', 1]]);
  });

  it('is nothing in HTML, and what is no list is refused', () => {
    expect(decodeSerials(bytes('<a href="foo/">foo</a>')).size).toBe(0);
    refusedFor('format', () => decodeSerials(bytes('{"meta":{"api-version":"1.0"}}')));
    refusedFor('format', () => decodeSerials(bytes('{"meta":{"api-version":"1.0"},"projects":[],"projects":[]}')));
  });
});

describe('lines left out, and counted', () => {
  it.each([
    ['shape', 7],
    ['shape', null],
    ['shape', { ...line(WHEEL), url: null }],
    ['shape', { ...line(WHEEL), hashes: 'sha256' }],
    ['shape', { ...line(WHEEL), filename: undefined }],
    ['filename', line('foo_bar/../../1.0.tar.gz')],
    ['filename', line(`foo_bar-${'1'.repeat(300)}.tar.gz`)],
    ['foreign', line('other-1.0.tar.gz')],
    ['filename', line('foo_bar-1.0.html')],
    ['filename', line('foo_bar-1.0.tar.gz.sha256')],
    ['digest', line(WHEEL, { hashes: { sha256: 'abc' } })],
    ['digest', line(WHEEL, { hashes: { sha256: 'é'.repeat(64) } })],
    ['digest', line(WHEEL, { hashes: { sha256: sha256(WHEEL), SHA256: sha256(SDIST) } })],
    ['digest', line(WHEEL, { hashes: { md5: 'a'.repeat(32), MD5: 'b'.repeat(32) } })],
    ['digest', line(WHEEL, { url: `${WHEEL}#sha256=${sha256(SDIST)}` })],
    ['digest', line(WHEEL, { url: `${WHEEL}#sha256=abc`, hashes: {} })],
    ['digest', line(WHEEL, { hashes: { sha256: 7 } })],
    ['url', line(WHEEL, { url: 'javascript:alert(1)' })],
    ['url', line(WHEEL, { url: ' java\nscript:alert(1)' })],
    ['url', line(WHEEL, { url: 'data:text/html,x' })],
    ['url', line(WHEEL, { url: `file:///${WHEEL}` })],
    ['url', line(WHEEL, { url: '' })],
    ['url', line(WHEEL, { url: `https://h/${'x/'.repeat(4000)}${WHEEL}` })],
  ])('%s: %j', (fault, bad) => {
    const page = decode(jsonPage([bad, line(SDIST)]));
    expect(page.files.map(({ filename }) => filename)).toEqual([SDIST]);
    expect(page.leftOut.counts).toEqual(new Map([[fault, 1]]));
  });

  it('a second line for a file name does not count', () => {
    const page = decode(jsonPage([line(SDIST), line(SDIST, { hashes: { sha256: sha256('another') } })]));
    expect(page.files[0]?.digests.get('sha256')).toBe(sha256(SDIST));
    expect(page.leftOut.counts).toEqual(new Map([['duplicate', 1]]));
  });
});

describe('the keys of a line', () => {
  it('digests: known ones kept, unknown and weak ones ignored', () => {
    const hashes = { md5: 'x', sha512: 'a'.repeat(128), 'blake2b-256': 'b'.repeat(64), sha256: 'c'.repeat(64), crc: 1 };
    expect([...(decodeLine({ hashes })?.digests ?? [])]).toEqual([
      ['sha512', 'a'.repeat(128)],
      ['blake2b-256', 'b'.repeat(64)],
      ['sha256', 'c'.repeat(64)],
    ]);
    expect(decodeLine({ hashes: { md5: 'd'.repeat(32) } })?.digests.size).toBe(0);
    expect(decodeLine({ hashes: {} })?.digests.size).toBe(0);
  });

  it.each([
    ['upper-case hex', { hashes: { sha256: sha256(WHEEL).toUpperCase() } }],
    ['an upper-case name', { hashes: { SHA256: sha256(WHEEL) } }],
    ['a name with a dash', { hashes: { 'SHA-256': sha256(WHEEL) } }],
    ['the same in the fragment of the URL', { hashes: {}, url: `${WHEEL}#sha256=${sha256(WHEEL)}` }],
    ['in the fragment, with a dash', { hashes: {}, url: `${WHEEL}#sha256-${sha256(WHEEL).toUpperCase()}` }],
    ['in the fragment, and no hashes at all', { hashes: undefined, url: `${WHEEL}#egg=x&SHA256=${sha256(WHEEL)}` }],
    ['in both, alike', { url: `${WHEEL}#sha256=${sha256(WHEEL)}` }],
    ['beside an unknown one', { hashes: { sha3: 'z', sha256: sha256(WHEEL), blake3: 7 } }],
    ['beside an empty one', { hashes: { sha512: '', sha384: null, sha256: sha256(WHEEL) } }],
  ])('a digest written as %s', (_, changes) => {
    expect(decodeLine(changes)?.digests).toEqual(new Map([['sha256', sha256(WHEEL)]]));
  });

  it('blake2b with 64 digits is BLAKE2b-256; with 128 it is another, and unknown here', () => {
    const both = { blake2b: 'B'.repeat(64), sha256: sha256(WHEEL) };
    expect(decodeLine({ hashes: both })).toMatchObject({
      digests: new Map([
        ['blake2b-256', 'b'.repeat(64)],
        ['sha256', sha256(WHEEL)],
      ]),
      blake2b: true,
    });
    expect(decodeLine({ hashes: { blake2b_256: 'b'.repeat(64) } })?.digests.get('blake2b-256')).toBe('b'.repeat(64));
    expect(decodeLine({ hashes: { blake2b: 'b'.repeat(128) } })?.digests.size).toBe(0);
  });

  it('MD5 and SHA-1 are remembered apart from what vouches for a file', () => {
    const hashes = { MD5: 'A'.repeat(32), sha1: 'b'.repeat(40), 'sha-1': 'x' };
    expect(decodeLine({ hashes })).toMatchObject({
      digests: new Map(),
      weak: new Map([
        ['md5', 'a'.repeat(32)],
        ['sha1', 'b'.repeat(40)],
      ]),
    });
  });

  it.each([
    [12, 12],
    [0, 0],
    [-1, undefined],
    [1.5, undefined],
    [2 ** 53, undefined],
    ['12', undefined],
    [null, undefined],
  ])('size %j → %s', (size, expected) => {
    expect(decodeLine({ size })?.size).toBe(expected);
  });

  it.each([
    ['2024-02-29T03:04:05Z', true],
    ['2024-02-29T03:04:05.1Z', true],
    ['2024-02-29T03:04:05.123456+00:00', true],
    ['2024-13-29T03:04:05Z', false],
    ['2023-02-29T03:04:05Z', false],
    ['2024-04-31T03:04:05.5+00:00', false],
    ['2024-02-29T24:00:00Z', false],
    ['yesterday', false],
    ['2024-02-29', false],
    ['Thu, 29 Feb 2024 03:04:05 GMT', false],
    [1709175845, false],
    [null, false],
  ])('upload-time %j kept: %s', (time, kept) => {
    expect(decodeLine({ 'upload-time': time })?.uploadTime).toBe(kept ? time : undefined);
  });

  it.each([
    [true, true],
    ['broken', 'broken'],
    [1, true],
    [false, undefined],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('yanked %j → %j', (yanked, expected) => {
    expect(decodeLine({ yanked })?.yanked).toBe(expected);
  });

  const digest = new Map([['sha256', 'a'.repeat(64)]]);
  const stated = { sha256: 'a'.repeat(64) };
  const none = { 'core-metadata': undefined, 'data-dist-info-metadata': undefined };
  it.each([
    ['the new key', { ...none, 'core-metadata': stated }, digest],
    ['the old key', { ...none, 'dist-info-metadata': stated }, digest],
    ["PyPI's misspelling", { ...none, 'data-dist-info-metadata': stated }, digest],
    ['the new key decides', { 'core-metadata': false, 'dist-info-metadata': stated }, undefined],
    ['true', { ...none, 'core-metadata': true }, 'announced'],
    ['only an unknown digest', { ...none, 'core-metadata': { md5: 'x' } }, 'announced'],
    ['absent', none, undefined],
  ])('PEP 714: %s', (_, changes, expected) => {
    expect(decodeLine(changes)?.coreMetadata).toEqual(expected);
  });

  it.each([
    ['https://index.example/integrity/x', true],
    ['/integrity/x', false],
    ['http://index.example/x', false],
    ['http://127.0.0.1.example/x', false],
    ['http://127.0.0.1:3141/integrity/x', true],
    ['javascript:alert(1)', false],
    [null, false],
  ])('provenance %j kept: %s', (provenance, kept) => {
    expect(decodeLine({ provenance })?.provenance).toBe(kept ? provenance : undefined);
  });

  it('requires-python: null is no demand', () => {
    expect(decodeLine({ 'requires-python': null })?.requiresPython).toBeUndefined();
  });

  it('unknown keys are kept, and __proto__ is one of them', () => {
    const text = new TextDecoder().decode(jsonPage([line(WHEEL, { next: { a: [1] } })], { later: 'x' }));
    const page = decode(bytes(text.replace('"next"', '"__proto__":{"size":9},"constructor":1,"next"')));
    expect(page.extra).toEqual(new Map([['later', '"x"']]));
    const extra = page.files[0]?.extra ?? new Map();
    expect([...extra.keys()]).toEqual(['__proto__', 'constructor', 'next']);
    expect(page.files[0]?.size).toBe(1234);
  });
});

describe('project lists', () => {
  it('JSON and HTML, normalized, each once, hostile names left out', () => {
    const list = { meta: { 'api-version': '1.4' }, projects: [{ name: 'Foo' }, { name: 'foo' }, { name: '../x' }, 7] };
    expect(decodeList(bytes(JSON.stringify(list)))).toEqual(['foo']);
    const html =
      "<a href='/simple/Foo/'>Foo</a><a href=bar/>bar</a><a href='datadog-x/index.html'>d</a><a href='../'>up</a>";
    expect(decodeList(bytes(html))).toEqual(['foo', 'bar', 'datadog-x']);
    expect(decodeList(bytes('{"projects":[{"name":"a"}]}'))).toEqual(['a']);
    refusedFor('format', () => decodeList(bytes('{"meta":{"api-version":"2.0"},"projects":[]}')));
    refusedFor('format', () => decodeList(bytes('{"meta":{"api-version":"1.0"}}')));
    refusedFor('format', () => decodeList(bytes('[{"name":"a"}]'), 'json'));
  });

  it('with more lines than a list may have are refused, whatever the lines are', () => {
    refusedFor('limit', () => decodeList(bytes(`{"projects":[0${',0'.repeat(2_000_000)}]}`)));
  });

  it('with more characters than all names may have are refused', () => {
    const long = 'x'.repeat(190);
    const names = Array.from({ length: 175_000 }, (_, at) => ({ name: `${long}-${at}` }));
    refusedFor('limit', () => decodeList(bytes(JSON.stringify({ projects: names }))));
  });

  it('the form is told by the first character', () => {
    expect(formOf(bytes('\ufeff\n {'))).toBe('json');
    expect(formOf(bytes('\r\n\t<!DOCTYPE html>'))).toBe('html');
  });
});
