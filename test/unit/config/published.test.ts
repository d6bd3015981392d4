import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { leaves } from '../../../src/config/meanings.ts';
import { jsonSchema, schema } from '../../../src/config/schema.ts';
import { option, SETTINGS, variable } from '../../../src/config/settings.ts';

const published = (name: string) => new URL(`../../../config/${name}`, import.meta.url);
const operating = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');

it('config/verbatim.schema.json is what the schema says (npm run schema)', () => {
  expect(readFileSync(published('verbatim.schema.json'), 'utf8')).toBe(jsonSchema());
});

it('the annotated config/verbatim.yaml loads', () => {
  const config = loadConfig({ file: fileURLToPath(published('verbatim.yaml')), env: {} });
  expect(Object.keys(config.indexes)).toEqual(['main', 'signed', 'public']);
});

it('the annotated config/verbatim.yaml shows every default as it is', () => {
  const annotated = loadConfig({
    file: fileURLToPath(published('verbatim.yaml')),
    env: {},
    flags: { data: 'd', root: 'r' },
  });
  const bare = loadConfig({ env: {}, flags: { upstream: 'https://index.example/', root: 'r', data: 'd' } });
  expect({ ...annotated, indexes: {} }).toEqual({ ...bare, indexes: {} });
  expect(annotated.indexes['main']).toEqual(bare.indexes['main']);
});

it('the annotated index that signs nothing shows every default as it is', () => {
  const file = fileURLToPath(published('verbatim.yaml'));
  const annotated = loadConfig({ file, env: {} }).indexes['public'];
  expect({ ...annotated, name: 'main' }).toEqual(loadConfig({ env: {} }).indexes['main']);
});

const annotated = readFileSync(published('verbatim.yaml'), 'utf8');
const LEAVES = [...leaves(schema)].map(({ path }) => path.filter((step) => step !== '*').join('.'));

it.each([...new Set(LEAVES)])('the annotated config/verbatim.yaml shows %s', (path) => {
  expect(annotated).toMatch(new RegExp(`(?:^[ #]*|[{,] )${path.split('.').at(-1)}:`, 'm'));
});

it.each(SETTINGS)('$flag is a setting of the schema, and its default is told as it is', ({ path, otherwise }) => {
  const bare = path.map((step) => (path[0] === 'indexes' && step === 'main' ? '*' : step));
  expect(LEAVES).toContain(bare.filter((step) => step !== '*').join('.'));
  if (otherwise !== undefined) expect(String(defaultOf(JSON.parse(jsonSchema()), bare))).toBe(otherwise);
});

function defaultOf(about: JsonSchema, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return about.default;
  const inner = about.properties?.[step];
  return inner && defaultOf(inner, rest);
}

interface JsonSchema {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

it.each(SETTINGS)('docs/operating.md names $flag in its three spellings', ({ flag, path, otherwise }) => {
  const row = operating.split('\n').find((line) => line.includes(`\`${variable(flag)}\``));
  expect(row).toContain(`\`${option(flag)}\``);
  expect(row).toContain(`\`${path.join('.')}\``);
  if (otherwise !== undefined) expect(row).toContain(`\`${otherwise}\``);
});
