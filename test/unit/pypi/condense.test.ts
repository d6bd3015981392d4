import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../../src/bytes/digest.ts';
import { changesOf } from '../../../src/pypi/changes.ts';
import { condense } from '../../../src/pypi/condense.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import { lossesOf } from '../../../src/pypi/losses.ts';
import type { Entry, ProjectPage } from '../../../src/pypi/project-page.ts';

const hex = (length: number) => fc.constantFrom('a', 'b', 'c').map((letter) => letter.repeat(length));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const digests = fc
  .record({ sha256: maybe(hex(64)), sha512: maybe(hex(128)) })
  .map(
    (stated) => new Map(Object.entries(stated).filter((each): each is [Algorithm, string] => each[1] !== undefined)),
  );

const entry = (filename: string): fc.Arbitrary<Entry> =>
  fc.record({
    filename: fc.constant(filename),
    url: fc.webUrl(),
    digests,
    weak: maybe(hex(32).map((md5) => new Map([['md5' as const, md5]]))),
    size: maybe(fc.nat()),
    uploadTime: maybe(fc.constantFrom('2026-01-02T03:04:05.678901Z', '2020-01-01T00:00:00Z')),
    requiresPython: maybe(fc.constantFrom('>=3.8', '>=99', '')),
    yanked: maybe(fc.oneof(fc.constant(true as const), fc.string({ minLength: 1 }))),
    coreMetadata: maybe(
      fc.oneof(
        fc.constant('announced' as const),
        digests.filter((map) => map.size > 0),
      ),
    ),
    provenance: maybe(fc.constantFrom('https://pypi.example/a', 'https://pypi.example/b')),
  });

const FILES = ['demo-1.0.tar.gz', 'demo-1.0-py3-none-any.whl', 'demo-2.0.zip', 'demo-2.0-variants.json'];
const page: fc.Arbitrary<ProjectPage> = fc
  .record({
    entries: fc.tuple(...FILES.map((name) => maybe(entry(name)))),
    status: maybe(
      fc.constantFrom({ status: 'quarantined', reason: 'malware' }, { status: 'archived' }, { status: 'active' }),
    ),
  })
  .map(({ entries, status }) => ({
    name: 'demo',
    apiVersion: '1.1',
    files: entries.filter((each) => each !== undefined),
    projectStatus: status,
    meta: new Map(),
    extra: new Map(),
    leftOut: { counts: new Map(), lines: [] },
  }));
const serial = maybe(fc.nat({ max: 3 }));

describe('a condensed page', () => {
  it('holds the next one to what the whole one does', () => {
    fc.assert(
      fc.property(page, page, serial, serial, (before, after, was, is) => {
        const small = condense(before);
        expect(small).toBeDefined();
        const again = decodePage(small ?? new Uint8Array(), 'demo');
        const losses = lossesOf({ page: before, serial: was }, { page: after, serial: is });
        expect(lossesOf({ page: again, serial: was }, { page: after, serial: is })).toEqual(losses);
        expect(changesOf(again, after, losses)).toEqual(changesOf(before, after, losses));
      }),
    );
  });

  it('is a good deal smaller than one as PyPI writes it', () => {
    const files = Array.from({ length: 40 }, (_, at) => ({
      filename: `demo-1.${at}-py3-none-any.whl`,
      url: `https://files.pythonhosted.org/packages/12/34/${String(at).padStart(60, '0')}/demo-1.${at}-py3-none-any.whl`,
      hashes: { sha256: String(at).padStart(64, 'a') },
      'core-metadata': { sha256: String(at).padStart(64, 'b') },
      'data-dist-info-metadata': { sha256: String(at).padStart(64, 'b') },
      'requires-python': '>=3.8',
      size: 12345,
      'upload-time': '2026-01-02T03:04:05.678901Z',
      yanked: false,
      provenance: null,
    }));
    const whole = Buffer.from(
      JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'demo', files, versions: ['1.0'] }),
    );
    const small = condense(decodePage(whole, 'demo'));
    expect(small?.byteLength).toBeLessThan(whole.byteLength * 0.6);
  });

  it('is none where a line is too long to be read again', () => {
    const long = `<a href="demo-1.0.tar.gz#sha256=${'a'.repeat(64)}" data-yanked="${'&#1;'.repeat(20_000)}">demo-1.0.tar.gz</a>`;
    const html = `<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0"></head><body>${long}</body></html>`;
    const whole = decodePage(Buffer.from(html), 'demo');
    expect(whole.files).toHaveLength(1);
    expect(condense(whole)).toBeUndefined();
  });
});
