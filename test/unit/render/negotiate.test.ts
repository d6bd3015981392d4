import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseCoding, chooseFormat } from '../../../src/render/negotiate.ts';

const J = 'application/vnd.pypi.simple.v1+json';
const H = 'application/vnd.pypi.simple.v1+html';

describe('the form of a page', () => {
  test.each([
    ['C01 pip', `${J}, ${H}; q=0.1, text/html; q=0.01`, 'json'],
    ['C02 uv', `${J}, ${H};q=0.2, text/html;q=0.01`, 'json'],
    ['C03 Poetry', `${J}, */*;q=0.1`, 'json'],
    ['C04 no Accept', undefined, 'text-html'],
    ['C04 empty Accept', '', 'text-html'],
    ['C05 anything', '*/*', 'text-html'],
    ['C06 pip before 22.2', 'text/html', 'text-html'],
    ['C07 v1+html', H, 'html-v1'],
    ['C08 browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', 'text-html'],
    ['C09 q respected', `${J};q=0.1, text/html`, 'text-html'],
    ['C09 q=0 excludes', `${J};q=0, text/html`, 'text-html'],
    ['C09 q=0 excludes from a wildcard', `text/html;q=0, ${H};q=0, */*`, 'json'],
    ['C09 q=0 excludes from a wildcard before it', `*/*, text/html;q=0, ${H};q=0`, 'json'],
    ['C08 named beats a wildcard', 'text/html, */*', 'text-html'],
    ['C09 nothing left', `${J};q=0`, undefined],
    ['C10 latest+json', 'application/vnd.pypi.simple.latest+json', 'json'],
    ['C10 latest+html', 'application/vnd.pypi.simple.latest+html', 'html-v1'],
    ['C11 v2 only', 'application/vnd.pypi.simple.v2+json', undefined],
    ['C12 application/json only', 'application/json', undefined],
    ['C12 Dependabot with a way out', 'application/json, */*;q=0.1', 'text-html'],
    ['C13 case and blanks', `  TEXT/HTML ; Q=0.5 ,\t${J.toUpperCase()} ; Q = 0.9 `, 'json'],
    ['C13 repeated header lines, joined', `text/html;q=0.01, ${H};q=0.1, ${J}`, 'json'],
    ['parameters before q', `${J};charset=utf-8;q=0.1, text/html;q=0.2`, 'text-html'],
    ['equally liked and named', `text/html, ${J}`, 'json'],
    ['any subtype', 'text/*', 'text-html'],
    ['any application', 'application/*', 'json'],
    ['fault 116: an impossible weight is no wish', `${J};q=2, text/html;q=0.1`, 'text-html'],
    ['fault 116: no media range at all', ';;;,,q=1', 'text-html'],
    ['fault 116: q=0 for all', '*/*;q=0', undefined],
  ])('%s', (_, accept, format) => {
    expect(chooseFormat(accept)).toBe(format);
  });

  test.each([
    [J, 'json'],
    ['application/vnd.pypi.simple.v1 json', 'json'],
    ['application/vnd.pypi.simple.latest+html', 'html-v1'],
    ['text/html', 'text-html'],
    ['application/json', undefined],
    ['', undefined],
    ['__proto__', undefined],
  ])('C14 ?format=%s wins over Accept', (parameter, format) => {
    expect(chooseFormat('text/html', parameter)).toBe(format);
    expect(chooseFormat(J, parameter)).toBe(format);
  });
});

describe('the coding of a body', () => {
  test.each([
    ['C56 none', undefined, 'identity'],
    ['C56 pip', 'gzip, deflate', 'gzip'],
    ['C56 uv', 'gzip, deflate, zstd', 'zstd'],
    ['C56 browser', 'gzip, deflate, br, zstd', 'zstd'],
    ['C56 files', 'identity', 'identity'],
    ['C56 gzip refused', 'gzip;q=0', 'identity'],
    ['C56 zstd refused', 'zstd;q=0, gzip', 'gzip'],
    ['C56 zstd at equal q', 'gzip;q=0.5, zstd;q=0.5', 'zstd'],
    ['C56 gzip liked better', 'gzip, zstd;q=0.9', 'gzip'],
    ['C56 identity liked better', 'identity, gzip;q=0.5', 'identity'],
    ['C56 anything is not zstd', '*', 'identity'],
    ['C56 br alone', 'br', 'identity'],
    ['fault 117: old name', 'x-gzip', 'gzip'],
    ['fault 117: odd form', ' ,GZIP ; Q=0.3;,,', 'gzip'],
    ['fault 117: impossible weight', 'gzip;q=high', 'identity'],
    ['fault 117: nothing acceptable', 'identity;q=0, *;q=0', 'identity'],
  ])('%s', (_, acceptEncoding, coding) => {
    expect(chooseCoding(acceptEncoding)).toBe(coding);
  });
});

describe('fault 116: hostile headers', () => {
  const atoms = fc.constantFrom(
    J,
    H,
    'text/html',
    '*/*',
    '*',
    'gzip',
    'zstd',
    ';q=',
    'q',
    '=',
    '0',
    '1',
    '.',
    ',',
    ';',
    ' ',
    '\t',
    '"',
    '/',
  );

  test('never throw, and mean the same however often asked', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(atoms).map((parts) => parts.join('')),
        ),
        (header) => {
          expect(['json', 'html-v1', 'text-html', undefined]).toContain(chooseFormat(header));
          expect(['identity', 'gzip', 'zstd']).toContain(chooseCoding(header));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each(['a/b;q=0.1,', ',', ';', 'q=0.', '*/*;q', ' \t', '"'])('16 KB of %j take linear time', (piece) => {
    const time = (length: number) => {
      const header = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
      const start = performance.now();
      for (let turn = 0; turn < 20; turn++) {
        chooseFormat(header);
        chooseCoding(header);
      }
      return performance.now() - start;
    };
    time(2048);
    // Quadratic would be 64 times as long.
    expect(time(16_384)).toBeLessThan(Math.max(time(2048), 10) * 40);
  });
});
