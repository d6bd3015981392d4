import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import type { ConditionSettings, PolicySettings } from '../../../src/policy/settings.ts';
import { type IndexRig, OLD, startIndexRig } from '../../rigs/index-rig.ts';
import type { Answered } from '../../support/ask.ts';
import { client } from '../../support/callers.ts';
import type { FakePypi } from '../../support/fake-pypi.ts';
import { type TinyWheel, tinyWheel, zip } from '../../support/tiny-wheel.ts';

// What lies in files decides whether they are served: found out behind the answers, or before the first byte, and remembered.

const rigs: IndexRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

const policyOf = (...conditions: readonly ConditionSettings[]): PolicySettings => ({
  minimumAge: undefined,
  missingUploadTime: 'omit',
  projects: [],
  names: undefined,
  conditions,
  exceptions: [],
});

function detailOf({ body }: Answered): string {
  const { detail }: { readonly detail: string } = JSON.parse(body.toString());
  return detail;
}

async function start(conditions: readonly ConditionSettings[], fill: (pypi: FakePypi) => void): Promise<IndexRig> {
  const rig = await startIndexRig({ fill, index: { policy: policyOf(...conditions) } });
  rigs.push(rig);
  return rig;
}

const at = (day: number) => `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`;

/** A wheel with these files besides, and these headers. */
function wheel(version: string, day: number, files: readonly string[] = [], headers = ''): TinyWheel {
  const plain = tinyWheel('alpha', version);
  const info = `alpha-${version}.dist-info`;
  const coreMetadata = Buffer.from(`${Buffer.from(plain.coreMetadata)}${headers}`);
  const bytes = zip([
    ['alpha.py', Buffer.from(`VERSION = '${version}'\n`)],
    ...files.map((name) => [name, Buffer.from('import os\n')] as const),
    [`${info}/METADATA`, coreMetadata],
    [`${info}/WHEEL`, Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')],
    [`${info}/RECORD`, Buffer.from('')],
  ]);
  return { ...plain, bytes, coreMetadata, uploadTime: at(day) };
}

const GOOD = wheel('1.0', 2);
const BAD = wheel('1.1', 3, ['evil.pth']);
const WORSE = wheel('1.2', 4, ['evil.pth']);

describe('a wheel with a new file that Python runs at each start', () => {
  const denied: ConditionSettings = { name: 'new-pth', when: 'new-pth', action: 'deny', unjudged: 'report' };
  const fill = (pypi: FakePypi) => {
    for (const each of [GOOD, BAD]) pypi.upload('alpha', each);
  };

  it('is refused to the very first who asks, by a look at a wheel before it that nobody has asked for', async () => {
    const rig = await start([denied], fill);
    await rig.page('alpha');
    const refused = await rig.get(rig.path(BAD));
    expect(refused.status).toBe(403);
    expect(detailOf(refused)).toContain('has "evil.pth", which Python runs at each start');
    expect((await rig.get(rig.path(GOOD))).status).toBe(200);
  });

  it('comes out by no other way: not in part, not unchanged, not in one go, not after a restart, nor is its metadata', async () => {
    const rig = await start([denied], fill);
    await rig.page('alpha');
    const ways = [
      {},
      { headers: { range: 'bytes=0-9' } },
      { headers: { range: 'bytes=0-9', 'if-range': `"${sha256Hex(BAD.bytes)}"` } },
      { headers: { 'if-none-match': `"${sha256Hex(BAD.bytes)}"` } },
      { headers: { 'if-none-match': '*' } },
    ];
    expect((await rig.get(rig.path(BAD))).status).toBe(403);
    for (let start = 0; start < 2; start++) {
      for (const asking of ways) expect([asking, (await rig.get(rig.path(BAD), asking)).status]).toEqual([asking, 403]);
      expect((await rig.get(rig.path(BAD), { method: 'HEAD' })).status).toBe(403);
      expect((await rig.get(`${rig.path(BAD)}.metadata`)).status).toBe(403);
      await rig.restart();
    }
    await rig.goOffline();
    expect((await rig.get(rig.path(BAD))).status).toBe(403);
    expect((await rig.get(rig.path(GOOD))).status).toBe(200);
  });

  it('is not served on by its address when upstream removes it', async () => {
    const rig = await startIndexRig({ fill, index: { policy: policyOf(denied), removed: 'serve' } });
    rigs.push(rig);
    await rig.page('alpha');
    for (const each of [BAD, GOOD]) await rig.get(rig.path(each));
    const paths = [BAD, GOOD].map((each) => rig.path(each));
    for (const each of [BAD, GOOD]) rig.pypi.remove('alpha', each.filename);
    rig.pypi.upload('alpha', wheel('2.0', 9));
    rig.clock.advance(86_400);
    const statuses = () => Promise.all(paths.map(async (path) => (await rig.get(path)).status));
    expect(await statuses()).toEqual([403, 200]);
    await rig.restart();
    expect(await statuses()).toEqual([403, 200]);
  });

  it('is refused to whoever asks while it is looked at behind a page without its bytes', async () => {
    const licences = {
      name: 'licence',
      when: 'licence',
      action: 'report',
      unjudged: 'report',
      allow: ['MIT'],
      deny: [],
    } as const;
    const rig = await start([licences, denied], fill);
    const look = Promise.withResolvers<void>();
    const metadata = `${rig.pypi.storedAt(BAD)}.metadata`;
    rig.pypi.files.fault(metadata, { kind: 'wait', until: look.promise });
    const asked = (path: string) => rig.pypi.files.requests.some(({ url }) => url === path);
    await rig.page('alpha');
    await expect.poll(() => asked(metadata), { timeout: 60_000 }).toBe(true);
    const refused = rig.get(rig.path(BAD));
    await expect.poll(() => asked(rig.pypi.storedAt(BAD)), { timeout: 60_000 }).toBe(true);
    look.resolve();
    expect((await refused).status).toBe(403);
  });

  it('that is held already is refused and left out, too, with a wheel before it that nobody has asked for', async () => {
    const index = { policy: policyOf() };
    const rig = await startIndexRig({ fill, index });
    rigs.push(rig);
    await rig.page('alpha');
    expect((await rig.get(rig.path(BAD))).status).toBe(200);
    index.policy = policyOf({ ...denied, action: 'hide' });
    await rig.restart();
    await expect.poll(() => rig.names('alpha'), { timeout: 60_000 }).toEqual([GOOD.filename]);
    expect((await rig.get(rig.path(BAD))).status).toBe(403);
  });

  it('is as new in the next release', async () => {
    const rig = await start([denied], (pypi) => {
      fill(pypi);
      pypi.upload('alpha', WORSE);
    });
    await rig.page('alpha');
    for (const each of [BAD, WORSE]) expect((await rig.get(rig.path(each))).status).toBe(403);
  });

  it('is served and told where nothing before it can be had, and refused where that is the choice', async () => {
    for (const [unjudged, status] of [
      ['report', 200],
      ['deny', 403],
    ] as const) {
      const rig = await start([{ ...denied, unjudged }], (pypi) => pypi.upload('alpha', BAD));
      await rig.page('alpha');
      await expect.poll(async () => (await rig.get(rig.path(BAD))).status, { timeout: 60_000 }).toBe(status);
      const told = async () => (await rig.index().explain('alpha', client())).rules;
      const expected = { rule: 'new-pth: not judged', why: expect.stringContaining('no earlier wheel') };
      await expect.poll(told, { timeout: 60_000 }).toMatchObject([expected]);
    }
  });

  it('waits hidden until it was looked into, where that is the choice, and comes by itself', async () => {
    const hidden: ConditionSettings = { ...denied, action: 'hide', unjudged: 'hide' };
    const rig = await start([hidden], fill);
    await expect.poll(() => rig.names('alpha'), { timeout: 60_000 }).toEqual([GOOD.filename]);
    expect((await rig.get(rig.path(BAD))).status).toBe(403);
  });

  it('is looked for in every release where what is not judged waits, some files at a time', async () => {
    const old = Array.from({ length: 20 }, (_, minor) => wheel(`0.${minor}`, 1));
    const rig = await start([{ ...denied, unjudged: 'hide' }], (pypi) => {
      for (const each of [...old, GOOD]) pypi.upload('alpha', each);
    });
    const names = async () => (await rig.names('alpha')).toSorted();
    const all = [...old, GOOD].map(({ filename }) => filename).toSorted();
    await expect.poll(names, { timeout: 120_000 }).toEqual(all);
  });

  it('that cannot be read as a zip is not judged', async () => {
    const broken: TinyWheel = { ...GOOD, bytes: Buffer.from('this is no zip') };
    const rig = await start([{ ...denied, unjudged: 'deny' }], (pypi) => pypi.upload('alpha', broken));
    await rig.page('alpha');
    const refused = await rig.get(rig.path(broken));
    expect([refused.status, detailOf(refused)]).toEqual([403, expect.stringContaining('is not judged yet')]);
  });
});

describe('a licence that is denied', () => {
  const condition: ConditionSettings = {
    name: 'licence',
    when: 'licence',
    action: 'hide',
    unjudged: 'report',
    allow: undefined,
    deny: ['GPL-*'],
  };
  const FREE = wheel('1.0', 2, [], 'License-Expression: MIT\n');
  const COPYLEFT = wheel('1.1', 3, [], 'License-Expression: GPL-3.0-only\n');

  it('is found in what the page announces beside a file, and the file leaves the page without being fetched', async () => {
    const rig = await start([condition], (pypi) => {
      for (const each of [FREE, COPYLEFT]) pypi.upload('alpha', each);
    });
    await expect.poll(() => rig.names('alpha'), { timeout: 60_000 }).toEqual([FREE.filename]);
    const asked = rig.pypi.files.requests.map(({ url }) => url.split('/').at(-1));
    expect(asked).not.toContain(COPYLEFT.filename);
    expect((await rig.get(rig.path(COPYLEFT))).status).toBe(403);
    await rig.restart();
    expect(await rig.names('alpha')).toEqual([FREE.filename]);
  });

  it('is found in the wheel itself where what is announced beside it says otherwise, by everybody who asks', async () => {
    const belied: TinyWheel = { ...COPYLEFT, coreMetadata: FREE.coreMetadata };
    const rig = await start([condition], (pypi) => pypi.upload('alpha', belied));
    const looked = () => rig.pypi.files.requests.some(({ url }) => url.endsWith('.metadata'));
    for (let start = 0; start < 2; start++) {
      await rig.page('alpha');
      await expect.poll(looked, { timeout: 60_000 }).toBe(true);
      for (let client = 0; client < 2; client++) {
        const refused = await rig.get(rig.path(belied));
        expect([refused.status, detailOf(refused)]).toEqual([403, expect.stringContaining('"GPL-3.0-only"')]);
      }
      await expect.poll(() => rig.names('alpha'), { timeout: 60_000 }).toEqual([]);
      await rig.restart();
    }
  });

  it('cannot be told of a wheel that holds no core metadata, whatever is announced beside it', async () => {
    const empty: TinyWheel = { ...FREE, bytes: zip([['alpha.py', Buffer.from('')]]) };
    const rig = await start([{ ...condition, unjudged: 'deny' }], (pypi) => pypi.upload('alpha', empty));
    const looked = () => rig.pypi.files.requests.some(({ url }) => url.endsWith('.metadata'));
    for (let start = 0; start < 2; start++) {
      await rig.page('alpha');
      await expect.poll(looked, { timeout: 60_000 }).toBe(true);
      for (let client = 0; client < 2; client++) {
        const refused = await rig.get(rig.path(empty));
        expect([refused.status, detailOf(refused)]).toEqual([403, expect.stringContaining('is not judged yet')]);
      }
      await rig.restart();
    }
  });

  it('is found in the wheel itself where nothing is announced, before its first byte', async () => {
    const rig = await start([condition], (pypi) => {
      pypi.upload('alpha', COPYLEFT);
      pypi.drop('alpha', COPYLEFT.filename, 'core-metadata');
    });
    await rig.page('alpha');
    const refused = await rig.get(rig.path(COPYLEFT));
    expect([refused.status, detailOf(refused)]).toEqual([403, expect.stringContaining('"GPL-3.0-only"')]);
  });
});

describe('core metadata that is not what the index says', () => {
  const condition: ConditionSettings = {
    name: 'metadata-differs',
    when: 'metadata-differs',
    action: 'deny',
    unjudged: 'report',
  };
  const ONE = wheel('1.0', 2, [], 'Requires-Python: >=3.9\n');

  it('holds its file back, whichever of the two is the odd one', async () => {
    const rig = await start([condition], (pypi) => pypi.upload('alpha', ONE, { 'requires-python': '>=3.8' }));
    await rig.page('alpha');
    const refused = await rig.get(rig.path(ONE));
    expect([refused.status, detailOf(refused)]).toEqual([403, expect.stringContaining('the index says ">=3.8"')]);
  });

  it('is compared again after a day', async () => {
    const rig = await start([condition], (pypi) => pypi.upload('alpha', ONE, { 'requires-python': '>=3.9' }));
    await rig.page('alpha');
    expect((await rig.get(rig.path(ONE))).status).toBe(200);
    rig.pypi.edit('alpha', ONE.filename, { 'requires-python': '>=3.8' });
    rig.clock.advance(OLD);
    await rig.page('alpha');
    expect((await rig.get(rig.path(ONE))).status).toBe(200);
    rig.clock.advance(86_400);
    await rig.page('alpha');
    await expect.poll(async () => (await rig.get(rig.path(ONE))).status, { timeout: 60_000 }).toBe(403);
  });

  it('cannot be told where the index says nothing, and is asked for once an hour', async () => {
    const rig = await startIndexRig({
      api: false,
      fill: (pypi) => pypi.upload('alpha', ONE, { 'requires-python': '>=3.9' }),
      index: { policy: policyOf(condition) },
    });
    rigs.push(rig);
    const asked = () => rig.pypi.requests.filter(({ url }) => url.endsWith('/pypi/alpha/1.0/json')).length;
    // Once for the page, and once when its bytes are there.
    for (let client = 0; client < 3; client++) {
      await rig.page('alpha');
      expect((await rig.get(rig.path(ONE))).status).toBe(200);
    }
    await expect.poll(asked, { timeout: 60_000 }).toBeGreaterThanOrEqual(1);
    const first = asked();
    expect(first).toBeLessThanOrEqual(2);
    expect((await rig.get(rig.path(ONE))).status).toBe(200);
    expect(asked()).toBe(first);
    rig.clock.advance(3600);
    expect((await rig.get(rig.path(ONE))).status).toBe(200);
    await expect.poll(asked, { timeout: 60_000 }).toBeGreaterThan(first);
  });
});
