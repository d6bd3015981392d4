import { describe, expect, it } from 'vitest';
import { decodePage } from '../../../src/pypi/decode.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { growth } from '../../support/cpu.ts';
import { bytes, onlyFile, PAGE_URL, refusedFor, SDIST, sha256, WHEEL } from './fixtures.ts';

const decode = (html: string) => decodePage(bytes(html), 'foo-bar', 'html');
const anchor = (attributes: string, href = `${WHEEL}#sha256=${sha256('w')}`) =>
  decode(`<a href="${href}" ${attributes}>${WHEEL}</a>`).files[0];

describe('PEP 503 pages', () => {
  it('bare anchors as DataDog writes them', () => {
    const page = decode(`<a href='${WHEEL}'>${WHEEL}</a><br />\n<a href='${SDIST}'>${SDIST}</a><br />`);
    expect(page.files.map(({ filename, digests }) => [filename, digests.size])).toEqual([
      [WHEEL, 0],
      [SDIST, 0],
    ]);
    expect(page.apiVersion).toBe('1.0');
    expect(page.versions).toBeUndefined();
  });

  it('base, relative links, single quotes, no quotes, entities, upper case', () => {
    const page = decode(
      `<HTML><HEAD><BASE HREF='../../files/'></HEAD><A HREF=${WHEEL}#sha256=${sha256('w')} ` +
        `DATA-REQUIRES-PYTHON='&gt;=3.8,&lt;4' data-yanked>${WHEEL}</A>`,
    );
    expect(page.base).toBe('../../files/');
    expect(page.files[0]).toMatchObject({ requiresPython: '>=3.8,<4', yanked: true });
    expect(onlyFile(relink(page, { pageUrl: PAGE_URL })).upstream).toBe(`https://index.example/files/${WHEEL}`);
  });

  it('the first <base> counts', () => {
    expect(decode('<base target=x><base href="/a/"><base href="/b/">').base).toBe('/a/');
  });

  it.each([
    ['sha256', `#sha256=${sha256('w')}`, [['sha256', sha256('w')]]],
    ['sha512', `#sha512=${'a'.repeat(128)}`, [['sha512', 'a'.repeat(128)]]],
    [
      'several',
      `#egg=foo&sha384=${'b'.repeat(96)}&sha256=${'c'.repeat(64)}`,
      [
        ['sha384', 'b'.repeat(96)],
        ['sha256', 'c'.repeat(64)],
      ],
    ],
    ['upper case', `#SHA256=${sha256('w').toUpperCase()}`, [['sha256', sha256('w')]]],
    ['a dash', `#sha256-${sha256('w')}`, [['sha256', sha256('w')]]],
    ['blake2b', `#blake2b=${'b'.repeat(64)}`, [['blake2b-256', 'b'.repeat(64)]]],
    ['known beside unknown', `#md5=x&sha3=y&sha256=${sha256('w')}`, [['sha256', sha256('w')]]],
    ['md5 alone', '#md5=0123', []],
    ['none', '', []],
  ])('digest in the fragment: %s', (_, fragment, digests) => {
    expect([...(anchor('', WHEEL + fragment)?.digests ?? [['', '']])]).toEqual(digests);
  });

  it('a malformed digest of a known algorithm is no digest less: the line is left out', () => {
    const page = decode(`<a href="${WHEEL}#SHA256=abc">${WHEEL}</a>`);
    expect([page.files.length, page.leftOut.counts.get('digest')]).toEqual([0, 1]);
  });

  it.each([
    ['data-yanked', true],
    ['data-yanked=""', true],
    ['data-yanked="it &quot;broke&quot;"', 'it "broke"'],
    ['', undefined],
  ])('<a %s>', (attributes, yanked) => {
    expect(anchor(attributes)?.yanked).toBe(yanked);
  });

  const digest = new Map([['sha256', sha256('m')]]);
  it.each([
    [`data-core-metadata="sha256=${sha256('m')}"`, digest],
    [`data-dist-info-metadata="sha256=${sha256('m')}"`, digest],
    [`data-core-metadata="sha256=${sha256('m')}" data-dist-info-metadata="true"`, digest],
    [`data-core-metadata="SHA256=${sha256('m').toUpperCase()}"`, digest],
    ['data-core-metadata="true"', 'announced'],
    ['data-core-metadata="md5=0"', 'announced'],
    ['data-core-metadata="false"', undefined],
    ['', undefined],
  ])('<a %s>', (attributes, coreMetadata) => {
    expect(anchor(attributes)?.coreMetadata).toEqual(coreMetadata);
  });

  it('size, upload time, provenance and signature, as far as they are well-formed', () => {
    expect(
      anchor('data-size=12 data-upload-time=2024-01-02T03:04:05Z data-provenance="https://h/p" data-gpg-sig="false"'),
    ).toMatchObject({ size: 12, uploadTime: '2024-01-02T03:04:05Z', provenance: 'https://h/p', gpgSig: false });
    expect(anchor('data-size=0x10 data-upload-time=today data-provenance="/p" data-gpg-sig="maybe"')).toMatchObject({
      size: undefined,
      uploadTime: undefined,
      provenance: undefined,
      gpgSig: undefined,
    });
    expect(anchor('data-size=9999999999999999')?.size).toBeUndefined();
  });

  it('PEP 629 and 792 in the head', () => {
    const page = decode(
      '<meta name="pypi:repository-version" content="1.4"><meta name="pypi:project-status" content="archived">' +
        '<meta name="pypi:project-status-reason" content="moved &amp; gone">',
    );
    expect(page.apiVersion).toBe('1.4');
    expect(page.projectStatus).toEqual({ status: 'archived', reason: 'moved & gone' });
  });

  it.each(['2.0', '', 'x', '1'])('repository-version %j', (version) => {
    refusedFor('format', () => decode(`<meta name="pypi:repository-version" content="${version}">`));
  });

  it('hostile links are left out; what is no tag is no link', () => {
    const page = decode(
      `<title><a href="${WHEEL}">x</a></title><script>"<a href='${WHEEL}'>"</script><!-- <a href="${WHEEL}"> -->` +
        `<style><a href="${WHEEL}"></style><textarea><a href="${WHEEL}"></textarea><a name="top"></a>` +
        `<a href="javascript:alert(1)/${WHEEL}">j</a><a href="data:x/${WHEEL}">d</a>` +
        '<a href="../">up</a><a href="other-1.0.zip">o</a><a href="%ff.whl">e</a><a href="foo-bar-1.0%2fx.zip">s</a>',
    );
    expect(page.files).toEqual([]);
    expect(page.leftOut.counts).toEqual(
      new Map([
        ['url', 2],
        ['filename', 2],
        ['foreign', 1],
      ]),
    );
  });
});

describe('bombs stay linear', () => {
  it.each([
    ['nesting', '<div>'],
    ['nesting closed by paragraphs', '<div><p><span></p>'],
    ['formatting elements', '<p><a><b>'],
    ['tables', '<table>x'],
    ['templates', '<template><svg>'],
    ['entities', '&amp;&#x26;&notanentity'],
    ['open comments', '<!--'],
    ['less-than signs', '<'],
    ['scripts', '<script><!--<script>'],
  ])('%s', (_, piece) => {
    expect(growth((length) => void decode(piece.repeat(length / piece.length)), 200_000)).toBeLessThan(40);
  });

  it('attributes of one tag, and of all tags together', () => {
    const of = (count: number) => `<a ${Array.from({ length: count }, (_, index) => `a${index}`).join(' ')}>`;
    expect(decode(of(256)).files).toEqual([]);
    refusedFor('limit', () => decode(of(257)));
    refusedFor('limit', () => decode('<b a b c d>'.repeat(400_001)));
  });

  it('anchors beyond any real page', () => {
    refusedFor('limit', () => decode(`<a href="${WHEEL}">`.repeat(100_001)));
  });
});
