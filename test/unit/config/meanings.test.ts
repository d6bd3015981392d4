import { expect, it } from 'vitest';
import { z } from 'zod';
import { leaves, meaning } from '../../../src/config/meanings.ts';
import { schema } from '../../../src/config/schema.ts';

const NAMED_LIKE = {
  file: /(?:_file|[._]root|\.ca|[._](?:cert|key)|\.htpasswd|\.tokens|^data|\.(?:requirements|locks|sboms)\.\*|^advisories\.(?:folder|archive))$/,
  variable: /_env$/,
  fetched: /(?:\.upstream|\.(?:metadata|pages|files)_url|layout\.metadata|\.base|\.file_hosts\.\*|\.scopes\.\*)$/,
} as const;

it.each(['file', 'variable', 'fetched'] as const)(
  'what is named like a %s means one, and nothing else does',
  (what) => {
    const all = [...leaves(schema)].map(({ path, meaning }) => ({ name: path.join('.'), meaning }));
    const meant = all.filter(({ meaning }) => meaning === what).map(({ name }) => name);
    expect(meant.length).toBeGreaterThan(2);
    expect(all.map(({ name }) => name).filter((name) => NAMED_LIKE[what].test(name))).toEqual(meant);
  },
);

it('a meaning goes with a schema through descriptions, defaults and transformations, and into lists', () => {
  const path = meaning('file', z.string().min(1));
  const found = leaves(
    z.strictObject({
      plain: z.string(),
      one: path.describe('said').optional(),
      two: path.default('x').describe('said'),
      many: z.array(path.transform((text) => text)),
      either: z.union([z.int(), z.strictObject({ inner: path })]).prefault(1),
      named: z.record(z.string(), path),
    }),
  );
  expect([...found].map(({ path: at, meaning: what, isNumber }) => [at.join('.'), what ?? isNumber])).toEqual([
    ['plain', false],
    ['one', 'file'],
    ['two', 'file'],
    ['many.*', 'file'],
    ['either', true],
    ['either.inner', 'file'],
    ['named.*', 'file'],
  ]);
});
