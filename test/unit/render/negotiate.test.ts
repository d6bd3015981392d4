import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseCoding, chooseFormat } from '../../../src/render/negotiate.ts';
import { growth } from '../../support/cpu.ts';

const J = 'application/vnd.pypi.simple.v1+json';
const H = 'application/vnd.pypi.simple.v1+html';

describe('the form of a page', () => {
  it.each([
    ['pip', `${J}, ${H}; q=0.1, text/html; q=0.01`, 'json'],
    ['uv', `${J}, ${H};q=0.2, text/html;q=0.01`, 'json'],
    ['Poetry', `${J}, */*;q=0.1`, 'json'],
    ['no Accept', undefined, 'text-html'],
    ['empty Accept', '', 'text-html'],
    ['anything', '*/*', 'text-html'],
    ['pip before 22.2', 'text/html', 'text-html'],
    ['v1+html', H, 'html-v1'],
    ['browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', 'text-html'],
    ['q respected', `${J};q=0.1, text/html`, 'text-html'],
    ['q=0 excludes', `${J};q=0, text/html`, 'text-html'],
    ['q=0 excludes from a wildcard', `text/html;q=0, ${H};q=0, */*`, 'json'],
    ['q=0 excludes from a wildcard before it', `*/*, text/html;q=0, ${H};q=0`, 'json'],
    ['named beats a wildcard', 'text/html, */*', 'text-html'],
    ['nothing left', `${J};q=0`, undefined],
    ['latest+json', 'application/vnd.pypi.simple.latest+json', 'json'],
    ['latest+html', 'application/vnd.pypi.simple.latest+html', 'html-v1'],
    ['v2 only', 'application/vnd.pypi.simple.v2+json', undefined],
    ['application/json only', 'application/json', undefined],
    ['Dependabot with a way out', 'application/json, */*;q=0.1', 'text-html'],
    ['case and blanks', `  TEXT/HTML ; Q=0.5 ,\t${J.toUpperCase()} ; Q = 0.9 `, 'json'],
    ['repeated header lines, joined', `text/html;q=0.01, ${H};q=0.1, ${J}`, 'json'],
    ['parameters before q', `${J};charset=utf-8;q=0.1, text/html;q=0.2`, 'text-html'],
    ['equally liked and named', `text/html, ${J}`, 'json'],
    ['any subtype', 'text/*', 'text-html'],
    ['any application', 'application/*', 'json'],
    ['an impossible weight is no wish', `${J};q=2, text/html;q=0.1`, 'text-html'],
    ['no media range at all', ';;;,,q=1', 'text-html'],
    ['q=0 for all', '*/*;q=0', undefined],
  ])('%s', (_, accept, format) => {
    expect(chooseFormat(accept)).toBe(format);
  });

  it.each([
    [J, 'json'],
    ['application/vnd.pypi.simple.v1 json', 'json'],
    ['application/vnd.pypi.simple.latest+html', 'html-v1'],
    ['text/html', 'text-html'],
    ['application/json', undefined],
    ['', undefined],
    ['__proto__', undefined],
  ])('?format=%s wins over Accept', (parameter, format) => {
    expect(chooseFormat('text/html', parameter)).toBe(format);
    expect(chooseFormat(J, parameter)).toBe(format);
  });
});

describe('the coding of a body', () => {
  it.each([
    ['none', undefined, 'identity'],
    ['pip', 'gzip, deflate', 'gzip'],
    ['uv', 'gzip, deflate, zstd', 'zstd'],
    ['browser', 'gzip, deflate, br, zstd', 'zstd'],
    ['files', 'identity', 'identity'],
    ['gzip refused', 'gzip;q=0', 'identity'],
    ['zstd refused', 'zstd;q=0, gzip', 'gzip'],
    ['zstd at equal q', 'gzip;q=0.5, zstd;q=0.5', 'zstd'],
    ['gzip liked better', 'gzip, zstd;q=0.9', 'gzip'],
    ['identity liked better', 'identity, gzip;q=0.5', 'identity'],
    ['anything is not zstd', '*', 'identity'],
    ['br alone', 'br', 'identity'],
    ['old name', 'x-gzip', 'gzip'],
    ['odd form', ' ,GZIP ; Q=0.3;,,', 'gzip'],
    ['impossible weight', 'gzip;q=high', 'identity'],
    ['nothing acceptable', 'identity;q=0, *;q=0', 'identity'],
  ])('%s', (_, acceptEncoding, coding) => {
    expect(chooseCoding(acceptEncoding)).toBe(coding);
  });
});

describe('hostile headers', () => {
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

  it('never throw, and mean the same however often asked', () => {
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

  it.each(['a/b;q=0.1,', ',', ';', 'q=0.', '*/*;q', ' \t', '"'])('16 KB of %j take linear time', (piece) => {
    const work = (length: number) => {
      const header = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
      for (let turn = 0; turn < 20; turn++) {
        chooseFormat(header);
        chooseCoding(header);
      }
    };
    expect(growth(work, 2048)).toBeLessThan(40);
  });
});
