import { afterEach, describe, expect, it } from 'vitest';
import { internalCaller } from '../../src/async/caller.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import type { UnsignedIndexConfig } from '../../src/config/config.ts';
import type { PolicySettings } from '../../src/policy/settings.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { NOW } from '../rigs/mirror.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import type { FakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Where an operator keeps old locks alive, what upstream removed goes on being served by its address, and by nothing else.

const GOOD = tinyWheel('alpha');
const OLD = tinyWheel('alpha', '2.0');
const NEVER_HELD = tinyWheel('alpha', '3.0');
const DAY = 86_400;

let rig: IndexRig | SignedRig;
afterEach(() => rig.close());

async function holding(): Promise<IndexRig> {
  const started = await startIndexRig({
    fill: (pypi) => {
      for (const file of [GOOD, OLD, NEVER_HELD]) pypi.upload('alpha', file);
    },
    index: { removed: 'serve' },
  });
  rig = started;
  for (const file of [GOOD, OLD]) {
    expect((await started.get(started.path(file))).headers['verbatim-evidence']).toBe('index');
    expect((await started.get(`${started.path(file)}.metadata`)).status).toBe(200);
  }
  return started;
}

/** Upstream takes something away, and it is noticed. */
async function taken(from: IndexRig, takeAway: (pypi: FakePypi) => void): Promise<void> {
  takeAway(from.pypi);
  from.clock.advance(DAY);
}

const WAYS: readonly (readonly [string, (pypi: FakePypi) => void])[] = [
  ['a release', (pypi) => pypi.remove('alpha', OLD.filename)],
  ['a whole project', (pypi) => pypi.removeProject('alpha')],
];

describe.each(WAYS)('%s that upstream removed', (_, takeAway) => {
  it('is served by its address, labelled so, and is on no page', async () => {
    const mirror = await holding();
    await taken(mirror, takeAway);
    const answer = await mirror.get(mirror.path(OLD));
    expect(answer.status).toBe(200);
    expect(answer.body.equals(OLD.bytes)).toBe(true);
    expect(answer.headers['verbatim-evidence']).toBe('removed');
    expect(answer.headers['cache-control']).not.toContain('immutable');
    const metadata = await mirror.get(`${mirror.path(OLD)}.metadata`);
    expect(metadata.body.equals(OLD.coreMetadata)).toBe(true);
    expect(metadata.headers['verbatim-evidence']).toBe('removed');
    expect((await mirror.get(mirror.path(OLD), { method: 'HEAD' })).status).toBe(200);
    expect((await mirror.get('/simple/alpha/')).body.toString()).not.toContain(OLD.filename);
  });

  it('is served by no other address, nor where it is not held, and is asked of nobody', async () => {
    const mirror = await holding();
    const held = [OLD, NEVER_HELD].map((file) => mirror.path(file));
    await taken(mirror, (pypi) => {
      takeAway(pypi);
      pypi.remove('alpha', NEVER_HELD.filename);
    });
    const [old = '', never = ''] = held;
    expect((await mirror.get(never)).status).toBe(404);
    const digest = sha256Hex(OLD.bytes);
    const other = `/files/alpha/${digest.replace(/^./, (first) => (first === 'a' ? 'b' : 'a'))}/${OLD.filename}`;
    expect((await mirror.get(other)).status).toBe(404);
    expect((await mirror.get(`/files/alpha/${digest}/${OLD.filename}`)).status).toBe(200);
    const found = await mirror
      .index()
      .file({ project: 'alpha', digest, filename: OLD.filename }, internalCaller('main', 'test'));
    await mirror.forget(digest);
    await expect(found.open()).rejects.toMatchObject({ reason: 'unlisted' });
    expect((await mirror.get(old)).status).toBe(404);
  });

  it('is told of once, counted, and explained', async () => {
    const mirror = await holding();
    await taken(mirror, takeAway);
    for (let time = 0; time < 2; time++) expect((await mirror.get(mirror.path(OLD))).status).toBe(200);
    expect(mirror.events.served.filter(({ kind }) => kind === 'removed')).toHaveLength(2);
    const told = mirror.events.noted.filter(({ message }) => message.includes('removed: serve'));
    expect(told).toMatchObject([{ detail: { project: 'alpha', file: OLD.filename } }]);
    const why = mirror.index().explain(OLD.filename, internalCaller('main', 'explain'));
    await expect(why).rejects.toMatchObject({ reason: 'unlisted', message: expect.stringContaining('removed: serve') });
  });

  it('is refused where an operator put it in quarantine', async () => {
    const mirror = await holding();
    await taken(mirror, takeAway);
    const entry = { version: '2.0', reason: 'ticket 7', at: mirror.clock.now() };
    await mirror.onDisk(({ state }) => state.quarantine('alpha').change(() => [entry]));
    await mirror.index().judgeAgain('alpha');
    expect(await mirror.refused(mirror.path(OLD))).toBe('403 policy');
  });

  it('is refused where nothing else is said', async () => {
    const mirror = await holding();
    await taken(mirror, takeAway);
    await mirror.close();
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', OLD) });
    expect((await rig.get(rig.path(OLD))).status).toBe(200);
    takeAway(rig.pypi);
    rig.clock.advance(DAY);
    expect((await rig.get(rig.path(OLD))).status).toBe(404);
  });
});

it('explains a project with what of it is served on', async () => {
  const mirror = await holding();
  await taken(mirror, (pypi) => pypi.remove('alpha', OLD.filename));
  const { removed, files } = await mirror.index().explain('alpha', internalCaller('main', 'explain'));
  expect({ removed, files }).toEqual({ removed: [OLD.filename], files: 2 });
});

it('a project in quarantine is refused, also when its index removes it, and after a restart', async () => {
  const mirror = await holding();
  await taken(mirror, (pypi) => pypi.quarantine('alpha', 'malware'));
  expect(await mirror.refused(mirror.path(OLD))).toBe('403 policy');
  await taken(mirror, (pypi) => pypi.removeProject('alpha'));
  expect(await mirror.refused(mirror.path(OLD))).toBe('403 policy');
  await mirror.restart();
  expect(await mirror.refused(mirror.path(OLD))).toBe('403 policy');
});

it('what upstream lists and this mirror leaves out was not removed', async () => {
  const mirror = await holding();
  await taken(mirror, (pypi) => pypi.edit('alpha', OLD.filename, { hashes: { sha256: 'none' } }));
  expect((await mirror.get(mirror.path(OLD))).status).not.toBe(200);
});

it('a signed index serves so what it no longer signs, and not as a target', async () => {
  const signed = await startSignedRig({
    fill: (index) => index.upload('alpha', GOOD, OLD),
    index: { removed: 'serve' },
  });
  rig = signed;
  expect((await signed.get(signed.path(OLD))).status).toBe(200);
  signed.signed.remove('alpha', OLD.filename);
  await signed.publish();
  const answer = await signed.get(signed.path(OLD));
  expect({ status: answer.status, evidence: answer.headers['verbatim-evidence'] }).toEqual({
    status: 200,
    evidence: 'removed',
  });
  expect((await signed.get(`/tuf/targets/${signed.signed.filePath(OLD)}`)).status).toBe(404);
  expect(await signed.names('alpha')).toEqual([GOOD.filename]);
});

describe('what a rule held back while it was listed', () => {
  const SDIST = { filename: 'alpha-2.0.tar.gz', bytes: Buffer.from('an sdist of alpha 2.0') };
  const uploadTime = new Date(NOW * 1000).toISOString();
  const AGE = { files: 0, since: undefined, action: 'deny', fixes: 'wait' } as const;
  const NONE: PolicySettings = {
    minimumAge: undefined,
    missingUploadTime: 'omit',
    projects: [],
    names: undefined,
    conditions: [],
    exceptions: [],
  };
  const RULES: readonly (readonly [string, PolicySettings])[] = [
    ['a project too new', { ...NONE, minimumAge: { ...AGE, projects: 30 * DAY } }],
    [
      'a name like another',
      {
        ...NONE,
        conditions: [{ when: 'similar-name', name: 'likeness', action: 'deny', to: ['alpa'], youngerThan: 30 * DAY }],
      },
    ],
    ['a release without wheels', { ...NONE, conditions: [{ when: 'sdist-only', name: 'built', action: 'deny' }] }],
  ];

  it.each(RULES)('is refused when upstream removed it, as before: %s', async (_, policy) => {
    const index: Partial<UnsignedIndexConfig> = { removed: 'serve' };
    const started = await startIndexRig({
      fill: (pypi) => {
        for (const file of [GOOD, SDIST]) pypi.upload('alpha', { ...file, uploadTime });
      },
      index,
    });
    rig = started;
    const path = started.path(SDIST);
    expect((await started.get(path)).status).toBe(200);
    Object.assign(index, { policy });
    await started.restart();
    expect(await started.refused(path)).toBe('403 policy');
    await taken(started, (pypi) => pypi.remove('alpha', SDIST.filename));
    expect(await started.refused(path)).toBe('403 policy');
    const told = await started.index().explain('alpha', internalCaller('main', 'explain'));
    expect(told.removed).toEqual([]);
    await taken(started, (pypi) => pypi.removeProject('alpha'));
    expect(await started.refused(path)).toBe('403 policy');
  });
});
