import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isListed, maySendPart } from '../../../src/bytes/etag.ts';
import { readRange } from '../../../src/http/reply/ranges.ts';
import { readTarget } from '../../../src/http/target.ts';
import { ask } from '../../support/ask.ts';
import { growth } from '../../support/cpu.ts';
import { bytesOf, H, J, PIP, serveForFile, UV, WHEEL } from './serving.ts';

describe('a range', () => {
  it('is whole, unsatisfiable, or within the file and never empty', () => {
    const number = fc.oneof(fc.nat(200), fc.bigInt(0n, 10n ** 40n)).map(String);
    const spelled = fc.oneof(
      fc.tuple(number, number).map(([a, b]) => `bytes=${a}-${b}`),
      number.map((a) => `bytes=${a}-`),
      number.map((a) => `bytes=-${a}`),
      fc.string(),
      fc.string().map((text) => `bytes=${text}`),
    );
    fc.assert(
      fc.property(spelled, fc.nat(100), (header, size) => {
        const wanted = readRange(header, size);
        if (typeof wanted === 'string') return;
        expect(wanted.start).toBeGreaterThanOrEqual(0);
        expect(wanted.end).toBeGreaterThan(wanted.start);
        expect(wanted.end).toBeLessThanOrEqual(size);
      }),
    );
  });

  it.each([
    ['BYTES=0-0', { start: 0, end: 1 }],
    ['bytes= 1-2 ', { start: 1, end: 3 }],
    ['bytes=-1', { start: 9, end: 10 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=9-', { start: 9, end: 10 }],
    ['bytes=-', 'whole'],
    ['bytes=+1-2', 'whole'],
    ['bytes=1.0-2', 'whole'],
    ['bytes=0x1-2', 'whole'],
  ] as const)('%s of ten bytes', (header, wanted) => {
    expect(readRange(header, 10)).toEqual(wanted);
  });

  it('holds only under the very tag', () => {
    expect(maySendPart(undefined, '"a"')).toBe(true);
    expect(maySendPart(' "a" ', '"a"')).toBe(true);
    for (const other of ['W/"a"', 'a', '"a", "b"', '*', '']) expect(maySendPart(other, '"a"')).toBe(false);
  });
});

describe('If-None-Match', () => {
  it.each([
    ['"a"', true],
    ['"b","a"', true],
    [' W/"a" , "b"', true],
    ['"b,a"', false],
    ['"a', false],
    ['x "a"', false],
    ['"b" "a"', false],
    ['', false],
    ['*', true],
    ['"*"', false],
  ])('%s', (header, held) => {
    expect(isListed(header, '"a"')).toBe(held);
  });

  it('is linear in its length', () => {
    for (const piece of [' \t,', 'W/', '"', '"a ', ' '])
      expect(
        growth((size) => void isListed(piece.repeat(size / piece.length), '"a"'), 40_000),
        piece,
      ).toBeLessThan(40);
  });
});

describe('a target', () => {
  it('is decoded exactly once, and holds no control, backslash or climb whatever is sent', () => {
    const piece = fc.constantFrom(
      '/',
      '%2f',
      '%2F',
      '..',
      '.',
      '%2e',
      '%252e',
      '%',
      '%00',
      '%5c',
      '\\',
      'a',
      'é',
      '%c3%a9',
      '%ff',
      ' ',
      '?',
      '#',
      '%0a',
      ':',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const read = readTarget(`/${pieces.join('')}`);
        if (read.kind === 'double-slash') expect(read.clean).toMatch(/^\/(?!\/)(.(?!\/\/))*$/);
        if (read.kind !== 'target') return;
        const { path, segments } = read.target;
        expect(segments.map(encodeURIComponent).join('/').toLowerCase()).toBe(
          path.slice(1).split('/').map(decodeURIComponent).map(encodeURIComponent).join('/').toLowerCase(),
        );
        for (const segment of segments) {
          expect(segment).not.toMatch(/[\\\u0000-\u001f\u007f-\u009f]/);
          expect(['.', '..']).not.toContain(segment);
          expect(segment.split('/')).not.toContain('..');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('only what is documented decides', () => {
  const bytes = bytesOf(500);
  const serving = serveForFile(() => ({ files: [{ project: 'foo-bar', filename: WHEEL, bytes }] }));

  it('the fast path and the routes give the same answer, and no other header changes it', async () => {
    const { still, url } = serving();
    const etags = [J, 'text/html'].map((accept) => ask(url, '/simple/foo-bar/', { headers: { accept } }));
    const known = (await Promise.all(etags)).map(({ headers }) => headers.etag ?? '');
    const deciding = fc.record(
      {
        accept: fc.constantFrom(PIP, UV, J, H, '*/*', 'text/html', 'application/json', ''),
        'accept-encoding': fc.constantFrom('gzip', 'zstd', 'identity', 'gzip;q=0', '*'),
        'if-none-match': fc.constantFrom(...known, '*', '"x"', `W/${known[0]}`),
      },
      { requiredKeys: [] },
    );
    const noise = fc.record(
      {
        'x-forwarded-host': fc.constant('evil.example'),
        cookie: fc.constant('a=b'),
        authorization: fc.constant('Basic YTpi'),
        'cache-control': fc.constantFrom('max-age=0', 'no-cache'),
        pragma: fc.constant('no-cache'),
        range: fc.constant('bytes=0-1'),
        origin: fc.constant('https://a.example'),
        te: fc.constant('trailers'),
        'content-length': fc.constant('0'),
        'x-method-override': fc.constant('DELETE'),
        'if-modified-since': fc.constant('Wed, 21 Oct 2030 07:28:00 GMT'),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(deciding, noise, fc.constantFrom('GET', 'HEAD'), async (headers, more, method) => {
        const get = async (warm: boolean, query: string, all: Record<string, string>) => {
          still.warm = warm;
          const {
            status,
            headers: answered,
            body,
          } = await ask(url, `/simple/foo-bar/${query}`, { method, headers: all });
          return { status, answered: { ...answered, date: '' }, body: body.toString('latin1') };
        };
        const expected = await get(true, '', headers);
        expect(await get(false, '', headers)).toEqual(expected);
        expect(await get(true, '', { ...headers, ...more })).toEqual(expected);
        expect(await get(false, '?x=1', { ...headers, ...more })).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
