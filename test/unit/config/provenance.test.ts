import { expect, it } from 'vitest';
import { index } from '../../../src/config/index-schema.ts';
import { provenance as schema, toProvenance } from '../../../src/config/provenance/schema.ts';

const read = (given: unknown) => toProvenance(schema.parse(given), (path) => path);
const takes = (given: unknown) => schema.safeParse(given).success;
const long = 'x'.repeat(501);
const publishers = (of: readonly unknown[]) => ({ publishers: { mill: of } });
const of = (publisher: object) => publishers([{ id: 'a', ...publisher }]);

it('one word says how much provenance decides; nothing is a report, and off is nothing', () => {
  expect(toProvenance(undefined, (path) => path)).toMatchObject({
    mode: 'report',
    projects: {},
    publishers: {},
    gitlab: [],
  });
  expect(read('require')).toMatchObject({ mode: 'require' });
  expect(read('off')).toBeUndefined();
  expect(read({ mode: 'off', projects: { mill: 'require' } })).toMatchObject({
    mode: 'off',
    projects: { mill: 'require' },
  });
});

it('a mode may come with its settings', () => {
  const given = { ...of({ workflow: 'release.yml', environment: 'pypi' }), gitlab: ['https://gitlab.example'] };
  expect(read({ ...given, trusted_root: '/root.json' })).toEqual({
    ...given,
    mode: 'report',
    projects: {},
    trustedRoot: '/root.json',
    rootFrom: undefined,
  });
});

it.each([
  ['another mode', 'always'],
  ['a setting that is not known', { modus: 'report' }],
  ['a project in another spelling', { projects: { My_Mill: 'off' } }],
  ['no publisher', publishers([])],
  ['very many publishers', publishers(Array.from({ length: 17 }, () => ({ id: 'a' })))],
  ['an id that is empty', of({ id: '' })],
  ['an id that is long', of({ id: long })],
  ['a workflow that is empty', of({ workflow: '' })],
  ['a workflow that is long', of({ workflow: long })],
  ['an environment that is empty', of({ environment: '' })],
  ['an environment that is long', of({ environment: long })],
  ['a GitLab without TLS', { gitlab: ['http://gitlab.example'] }],
  ['very many GitLabs', { gitlab: Array.from({ length: 17 }, (_, at) => `https://${at}.example`) }],
  ['an index that none can be called', { root_from: '../x' }],
  ['two roots', { trusted_root: '/root.json', root_from: 'sigstore' }],
])('does not take %s', (_, given) => {
  expect(takes(given)).toBe(false);
});

it('takes what is at its limits', () => {
  const most = 'x'.repeat(500);
  expect(takes(of({ id: most, workflow: most, environment: most }))).toBe(true);
  expect(takes({ root_from: 'sigstore' })).toBe(true);
});

it('has no meaning for an index that is signed', () => {
  const signed = { upstream: 'https://index.example/', root: 'root.json' };
  expect(index.safeParse(signed).success).toBe(true);
  expect(index.safeParse({ ...signed, provenance: 'report' }).error?.issues).toMatchObject([{ path: ['provenance'] }]);
});
