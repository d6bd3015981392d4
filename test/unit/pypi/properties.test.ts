import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import { hrefOf } from '../../../src/pypi/listing.ts';
import { type Entry, NONE_LEFT_OUT, type ProjectPage } from '../../../src/pypi/project-page.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { drawPage } from '../../../src/render/render.ts';
import { bytes, jsonPage, line, PAGE_URL } from './fixtures.ts';

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const text = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    fc.constantFrom('\0', '\r', '\n', '&', '<', '"', "'"),
  ),
  maxLength: 20,
});
const sha256s = hex(64).map((digest) => new Map([['sha256', digest] as const]));

const filename = fc
  .tuple(
    fc.nat(50),
    fc.constantFrom('', '+cu118', '!2', '.dev1', ' é&"<'),
    fc.constantFrom('-py3-none-any.whl', '.tar.gz', '.zip'),
  )
  .map(([version, odd, end]) => `foo_bar-${version}${odd}${end}`);

const entry: fc.Arbitrary<Entry> = fc.record({
  filename,
  url: fc.constant(''),
  digests: sha256s,
  size: fc.maxSafeNat(),
  uploadTime: fc.constantFrom('2024-01-02T03:04:05Z', '1999-12-31T23:59:59.999999Z', undefined),
  requiresPython: fc.option(text, { nil: undefined }),
  yanked: fc.option(
    fc.oneof(
      fc.constant(true as const),
      text.filter((reason) => reason !== ''),
    ),
    { nil: undefined },
  ),
  coreMetadata: fc.option(sha256s, { nil: undefined }),
  provenance: fc.constantFrom('https://index.example/p?a=1&b="2"', undefined),
  gpgSig: fc.option(fc.boolean(), { nil: undefined }),
});

const page: fc.Arbitrary<ProjectPage> = fc
  .uniqueArray(entry, { selector: (each) => each.filename, maxLength: 5 })
  .map((files) => ({
    name: 'foo-bar',
    apiVersion: '1.4',
    files: files.map((file) => ({ ...file, url: encodeURIComponent(file.filename) })),
    versions: ['1'],
    meta: new Map(),
    extra: new Map(),
    leftOut: NONE_LEFT_OUT,
  }));

/** HTML has no control characters and one kind of line end. */
const asHtml = (value: unknown) =>
  typeof value === 'string'
    ? value.replace(/\r\n?/g, '\n').replace(/[\0-\x08\x0b\x0e-\x1f\x7f-\x9f]/g, '\ufffd')
    : value;

it('decode(render(x)) is x, in JSON and in HTML', () => {
  fc.assert(
    fc.property(page, (original) => {
      const listing = relink(original, { pageUrl: PAGE_URL });
      const drawing = drawPage(listing);
      const json = decodePage(drawing.json, 'foo-bar');
      const html = decodePage(drawing.html, 'foo-bar');
      expect(json.leftOut.counts.size + html.leftOut.counts.size).toBe(0);
      const expected = original.files.map((file) => ({ ...file, url: '' }));
      expect(json.files.map(({ extra, ...file }) => ({ ...file, url: '' }))).toEqual(expected);
      expect(html.files.map((file) => ({ ...file, url: '' }))).toEqual(
        expected.map((file) => ({
          ...file,
          yanked: asHtml(file.yanked),
          requiresPython: asHtml(file.requiresPython),
        })),
      );
    }),
    { numRuns: 300 },
  );
});

it('a mirror behind a mirror draws the same page', () => {
  fc.assert(
    fc.property(page, (original) => {
      const first = drawPage(relink(original, { pageUrl: PAGE_URL }));
      const second = relink(decodePage(first.json, 'foo-bar'), { pageUrl: 'http://mirror.example/a/simple/foo-bar/' });
      expect(drawPage(second).json.equals(first.json)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

it('whatever the bytes, an answer or a Refusal, and no entry of another project', () => {
  const mutated = fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 8 })).map(([at, insert]) => {
    const whole = jsonPage([line('foo_bar-1.0.zip')]);
    return Uint8Array.from([...whole.slice(0, at % whole.length), ...insert, ...whole.slice((at % whole.length) + 1)]);
  });
  const anything = fc.oneof(
    fc.json().map(bytes),
    fc.uint8Array(),
    mutated,
    fc.string().map((end) => bytes(`<a href="${end}`)),
  );
  fc.assert(
    fc.property(anything, (input) => {
      try {
        const listing = relink(decodePage(input, 'foo-bar'), { pageUrl: PAGE_URL });
        drawPage(listing);
        for (const file of listing.files.values()) expect(hrefOf(file).startsWith('../../')).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
      }
    }),
    { numRuns: 1500 },
  );
});
