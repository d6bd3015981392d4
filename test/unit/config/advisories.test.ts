import { describe, expect, it } from 'vitest';
import { toAdvisories } from '../../../src/config/advisories/schema.ts';
import { schema } from '../../../src/config/schema.ts';

const read = (advisories: object) =>
  schema.safeParse({ advisories, indexes: { main: { upstream: 'https://index.example/', evidence: 'index' } } });
const faults = (advisories: object) => read(advisories).error?.issues.map(({ message }) => message) ?? [];

describe('where advisories come from', () => {
  it('is one place, with what becomes of what they speak of', () => {
    const parsed = read({ archive: '/feed/all.zip', not_of: ['main'] });
    expect(parsed.data?.advisories && toAdvisories(parsed.data.advisories)).toEqual({
      from: { archive: '/feed/all.zip' },
      ca: undefined,
      refresh: 3600,
      maxAge: 259_200,
      malware: 'deny',
      vulnerable: 'report',
      notOf: ['main'],
      export: true,
    });
    for (const from of [{ folder: '/feed' }, { address: 'https://feed.example/all.zip' }, { carried: true }]) {
      const { data } = read(from);
      expect(data?.advisories && toAdvisories(data.advisories).from).toEqual(from);
    }
  });

  it.each([
    ['nowhere', {}],
    ['nowhere by name', { carried: false }],
    ['two places', { folder: '/a', archive: '/b' }],
    ['a place and bundles', { folder: '/a', carried: true }],
  ])('may not be %s', (_, advisories) => {
    expect(faults(advisories)).toEqual(['needs one of folder, archive, address and carried']);
  });

  it('may be fetched by https, and in clear text of this machine alone', () => {
    expect(faults({ address: 'http://127.0.0.1:8080/all.zip' })).toEqual([]);
    expect(faults({ address: 'http://feed.example/all.zip' })).toEqual([
      'must begin with https://, but on this machine',
    ]);
    for (const address of ['ftp://feed.example/all.zip', 'https://'])
      expect(faults({ address })).toEqual(['must be a URL such as https://feed.example/PyPI/all.zip']);
  });

  it('speaks of indexes that there are', () => {
    expect(faults({ folder: '/a', not_of: ['private'] })).toEqual([
      'speaks of the index private (not_of), and there is none of that name',
    ]);
    expect(faults({ folder: '/a', not_of: Array.from({ length: 65 }, () => 'main') })).toHaveLength(1);
  });
});
