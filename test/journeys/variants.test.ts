import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import type { Line } from '../support/fake-pypi.ts';
import { tinyWheel, zip } from '../support/tiny-wheel.ts';

// Wheel variants (PEP 825): names of six and seven parts, and a file beside them that grows under one name.

const PLAIN = tinyWheel('alpha');
const VARIANT: IndexFile = { ...tinyWheel('alpha'), filename: 'alpha-1.0-py3-none-any-cuda12.whl' };
const BUILT: IndexFile = { ...tinyWheel('alpha'), filename: 'alpha-1.0-7-py3-none-any-cuda12.whl' };
const listed = (text: string): IndexFile => ({ filename: 'alpha-1.0-variants.json', bytes: Buffer.from(text) });
const FIRST = listed('{"variants": {"cuda12": {}}}');
const NEXT = listed('{"variants": {"cuda12": {}, "rocm6": {}}}');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let rig: IndexRig;
afterEach(() => rig.close());

const start = async (says: Partial<Line> = {}) => {
  rig = await startIndexRig({
    fill(pypi) {
      for (const file of [PLAIN, VARIANT, BUILT]) pypi.upload('alpha', file);
      pypi.upload('alpha', FIRST, says);
    },
    index: { contentAddressed: false },
  });
};
const variants = async () => {
  const file = (await rig.page('alpha')).files.find(({ filename }) => filename === FIRST.filename);
  if (file === undefined) throw new Error('it is not listed');
  return { ...file, path: new URL(file.url, `${rig.url()}/simple/alpha/`).pathname };
};

it('variant wheels are listed beside plain ones, and make no further version', async () => {
  await start();
  const { files, versions } = await rig.page('alpha');
  expect(files.map(({ filename }) => filename)).toEqual([
    PLAIN.filename,
    VARIANT.filename,
    BUILT.filename,
    FIRST.filename,
  ]);
  expect(versions).toEqual(['1.0']);
});

it('the list of variants may change its digest: proved by each page, never pinned, never immutable, no alarm', async () => {
  await start();
  const before = await variants();
  const first = await rig.get(before.path);
  expect([first.status, first.headers['verbatim-evidence']]).toEqual([200, 'index']);
  expect(first.headers['cache-control']).not.toContain('immutable');
  rig.pypi.replace('alpha', NEXT);
  await rig.later('alpha');
  const after = await variants();
  expect(after.hashes).toEqual({ sha256: sha256(NEXT.bytes) });
  expect((await rig.get(after.path)).body).toEqual(Buffer.from(NEXT.bytes));
  expect((await rig.pins('alpha')).has(FIRST.filename)).toBe(false);
  expect(rig.alarms()).toEqual([]);
});

it('without a digest it is not fetched from a host that is not allowed', async () => {
  await start({ hashes: {}, url: `http://127.0.0.1:1/${FIRST.filename}` });
  const file = await variants();
  expect(file.path).toBe(`/files/alpha/unproved/${FIRST.filename}`);
  expect(await rig.refused(file.path)).toMatch(/ foreign$/);
});

it('without a digest it is passed on as what nobody vouches for, revalidated, at one address', async () => {
  const path = `plain/${FIRST.filename}`;
  await start({ hashes: {}, url: 'http://127.0.0.1:1/' });
  rig.pypi.edit('alpha', FIRST.filename, { url: `${rig.pypi.files.url}${path}` });
  rig.pypi.contents.set(path, FIRST.bytes);
  await rig.restart();
  const file = await variants();
  expect(file).toMatchObject({ path: `/files/alpha/unproved/${FIRST.filename}`, '_verbatim-evidence': 'none' });
  const first = await rig.get(file.path);
  expect([first.status, first.body, first.headers['verbatim-evidence']]).toEqual([
    200,
    Buffer.from(FIRST.bytes),
    'none',
  ]);
  expect(first.headers['cache-control']).not.toContain('immutable');
  const unchanged = await rig.get(file.path, { headers: { 'if-none-match': String(first.headers['etag']) } });
  expect(unchanged.status).toBe(304);
  rig.pypi.contents.set(path, NEXT.bytes);
  rig.clock.advance(301);
  expect((await rig.get(file.path)).body).toEqual(Buffer.from(NEXT.bytes));
  expect((await rig.pins('alpha')).has(FIRST.filename)).toBe(false);
  expect(await rig.refused('/files/alpha/unproved/alpha-9.0-variants.json')).toBe('404 unlisted');
  expect(await rig.refused(`/files/alpha/unproved/${PLAIN.filename}`)).toBe('404 unlisted');
});

it('files of kinds this program does not know are listed and proved as any other', async () => {
  const later: IndexFile = { filename: 'alpha-2.0-py3-none-any.whlx', bytes: Buffer.from('a wheel of later rules') };
  const odd: IndexFile = { filename: 'alpha-1.0.nupkg', bytes: Buffer.from('who knows') };
  await start();
  for (const file of [later, odd]) rig.pypi.upload('alpha', file);
  await rig.later('alpha');
  const { files, versions } = await rig.page('alpha');
  expect(files.map(({ filename }) => filename)).toEqual(expect.arrayContaining([later.filename, odd.filename]));
  expect(versions).toEqual(expect.arrayContaining(['1.0']));
  for (const file of [later, odd]) expect((await rig.get(rig.path(file))).body).toEqual(Buffer.from(file.bytes));
});

const properties = (version: string) => ({ cuda12: { nvidia: { driver: [version, '11'] } } });
const saying = (variants: object) => listed(JSON.stringify({ variants }));
const TELLING: IndexFile = {
  filename: 'alpha-1.0-py3-none-any-cuda12.whl',
  bytes: zip([['alpha-1.0.dist-info/variant.json', Buffer.from(JSON.stringify({ variants: properties('12') }))]]),
};

describe.each([
  ['with a digest', {}],
  ['without one', { hashes: {} }],
] as const)('a list of variants %s', (_, says) => {
  const begin = async (list: IndexFile) => {
    rig = await startIndexRig({
      fill(pypi) {
        pypi.upload('alpha', TELLING);
        pypi.upload('alpha', list, says);
      },
      index: { contentAddressed: false },
    });
    return (await variants()).path;
  };
  const hold = async () => expect((await rig.get(rig.path(TELLING))).status).toBe(200);

  it('is served where the held wheel says the same of itself, in any order', async () => {
    const list = saying({ cuda12: { nvidia: { driver: ['11', '12'] } }, rocm6: {} });
    const path = await begin(list);
    await hold();
    expect((await rig.get(path)).body).toEqual(Buffer.from(list.bytes));
  });

  it.each([
    ['says something else of it', properties('13')],
    ['does not name it', { rocm6: {} }],
  ])('is refused where it %s, from the wheel on that is held', async (_, lie) => {
    const path = await begin(saying(lie));
    expect((await rig.get(path)).status).toBe(200);
    await hold();
    expect(await rig.refused(path)).toBe('403 mix-and-match');
  });

  it.each(['[]', '{"variants"', '{}', '"variants"'])('is refused where it is none: %s', async (text) => {
    const path = await begin(listed(text));
    expect(await rig.refused(path)).toBe('403 format');
  });
});
