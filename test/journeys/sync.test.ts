import { afterEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../src/bytes/refusal.ts';
import { digestHex } from '../../src/repository/digests.ts';
import { isWhole } from '../../src/sync/report.ts';
import { readLock } from '../../src/sync/selection/locks.ts';
import { askedBy } from '../../src/sync/selection/requirements.ts';
import { startIndexRig } from '../rigs/index-rig.ts';
import { RIGS, type Rig } from '../rigs/rig.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { inShort, LINUX, syncing, WINDOWS } from '../support/syncing.ts';
import { type TinyWheel, tinyWheel } from '../support/tiny-wheel.ts';

// What is asked for is held afterwards, with what it requires, or is named.

/** The same wheel for one platform. */
function platformWheel(wheel: TinyWheel, tags: string): TinyWheel {
  return { ...wheel, filename: wheel.filename.replace('py3-none-any', tags) };
}

const ALPHA_1 = tinyWheel('alpha', '1.0', '', ['beta<2']);
const ALPHA_2 = tinyWheel('alpha', '2.0', '', [
  'beta>=2',
  "gamma; extra == 'more'",
  "colour; sys_platform == 'win32'",
  'alpha[more]; extra == "all"',
]);
const ALPHA_3 = tinyWheel('alpha', '3.0rc1');
const BETA_1 = tinyWheel('beta', '1.5');
const BETA_2 = tinyWheel('beta', '2.0');
const GAMMA = tinyWheel('gamma', '1.0', '', ['beta']);
const COLOUR = tinyWheel('colour');
const NEEDS_OLD = tinyWheel('needs-old', '1.0', '', ['beta<2', 'alpha']);
const LONELY = tinyWheel('lonely', '1.0', '', ['nowhere']);
const FOR_LINUX = platformWheel(tinyWheel('built', '1.0', 'linux'), 'cp312-cp312-manylinux2014_x86_64');
const FOR_WINDOWS = platformWheel(tinyWheel('built', '1.0', 'windows'), 'cp39-cp39-win_amd64');
const FOR_MACS = platformWheel(tinyWheel('built', '1.0', 'macs'), 'cp312-cp312-macosx_11_0_arm64');
const ALL = [
  ALPHA_1,
  ALPHA_2,
  ALPHA_3,
  BETA_1,
  BETA_2,
  GAMMA,
  COLOUR,
  NEEDS_OLD,
  LONELY,
  FOR_LINUX,
  FOR_WINDOWS,
  FOR_MACS,
];

const name = ({ filename }: TinyWheel) => filename;
const hash = ({ bytes }: TinyWheel) => digestHex('sha256', bytes);

describe.each(RIGS)('of an index with evidence $evidence', ({ start }) => {
  let rig: Rig;
  afterEach(() => rig.close());

  it('an upstream that is away ends it, and is told as no project that upstream lacks', async () => {
    rig = await start({ files: ALL });
    rig.pageFault('alpha', { kind: 'status', status: 500 });
    const away = { reason: 'unreachable', transient: true };
    await expect(syncing(rig.index(), { names: ['alpha'], environments: [LINUX] })).rejects.toMatchObject(away);
    const unlocked = { asked: [askedBy('alpha')] };
    await expect(syncing(rig.index(), unlocked)).rejects.toMatchObject(away);
  });

  it('a name brings the newest release and what that requires in the environments that are given', async () => {
    rig = await start({ files: ALL });
    const first = await syncing(rig.index(), { names: ['alpha'], environments: [LINUX] });
    expect(inShort(first.report)).toEqual({ fetched: [name(ALPHA_2), name(BETA_2)], held: 0 });
    const both = await syncing(rig.index(), { names: ['Alpha[all]'], environments: [LINUX, WINDOWS] });
    expect(inShort(both.report)).toEqual({ fetched: [name(COLOUR), name(GAMMA)], held: 2 });
    expect(both.plan.choices.map(({ chosen }) => [...chosen.keys()].sort())).toEqual([
      ['alpha', 'beta', 'gamma'],
      ['alpha', 'beta', 'colour', 'gamma'],
    ]);
    // It is proved, and there for whoever asks.
    const before = rig.fileAsked(COLOUR);
    expect((await rig.get(rig.path(COLOUR))).body.equals(COLOUR.bytes)).toBe(true);
    expect(rig.fileAsked(COLOUR)).toBe(before);
  });

  it('files that wait for the disk keep nobody from fetching, and count as fetched once they are on it', async () => {
    rig = await start({ files: ALL });
    const index = rig.index();
    const settle = index.settle.bind(index);
    const all = Promise.withResolvers<void>();
    let waiting = 0;
    index.settle = async (sha256) => {
      waiting++;
      if (waiting === 3) all.resolve();
      await all.promise;
      await settle(sha256);
    };
    const { report } = await syncing(index, { names: ['alpha'], filters: { preReleases: true }, parallel: 1 });
    expect(report.progress.fetched).toBe(3);
  });

  it('what the disk did not take is fetched anew', async () => {
    rig = await start({ files: ALL });
    const index = rig.index();
    const settle = index.settle.bind(index);
    let failures = 1;
    index.settle = async (sha256) => {
      if (failures-- > 0) throw new Refusal('state', 'The disk did not take it.', { subject: 'file', transient: true });
      await settle(sha256);
    };
    const { report } = await syncing(index, { names: ['beta'] });
    expect(inShort(report)).toEqual({ fetched: [name(BETA_1), name(BETA_2)], held: 0 });
  });

  it('an older release is chosen where the newest ones do not go together', async () => {
    rig = await start({ files: ALL });
    const { report } = await syncing(rig.index(), { names: ['needs-old'], environments: [LINUX] });
    expect(inShort(report)).toEqual({ fetched: [name(ALPHA_1), name(BETA_1), name(NEEDS_OLD)], held: 0 });
  });

  it('what cannot be met together is named, with who asks for it', async () => {
    rig = await start({ files: ALL });
    const { report } = await syncing(rig.index(), {
      names: ['needs-old', 'alpha>=2', 'lonely'],
      environments: [LINUX],
    });
    expect(isWhole(report)).toBe(false);
    expect(report.missing.named.map(({ what }) => what)).toEqual(['linux']);
    expect(report.missing.named[0]?.why).toMatch(
      /^In the environment linux nothing meets what is required together: .*(beta|nowhere)/,
    );
  });

  it('only files for the environments come, and pre-releases where they are asked for', async () => {
    rig = await start({ files: ALL });
    const { report } = await syncing(rig.index(), {
      names: ['built', 'alpha>=3.0rc0'],
      environments: [LINUX, WINDOWS],
    });
    expect(inShort(report)).toEqual({ fetched: [name(ALPHA_3), name(FOR_LINUX), name(FOR_WINDOWS)].sort(), held: 0 });
  });

  it('without an environment every release comes that is asked for and filters leave', async () => {
    rig = await start({ files: ALL });
    const two = await syncing(rig.index(), { names: ['alpha'], filters: { latestRelease: 2 } });
    expect(inShort(two.report)).toEqual({
      fetched: [name(ALPHA_1), name(ALPHA_2)],
      held: 0,
      leftOut: { 'a pre-release': 1 },
    });
    const one = await syncing(rig.index(), { names: ['alpha'], filters: { latestRelease: 1, preReleases: true } });
    expect(inShort(one.report)).toEqual({
      fetched: [name(ALPHA_3)],
      held: 0,
      leftOut: { 'older than the 1 newest releases': 2 },
    });
    const some = await syncing(rig.index(), {
      names: ['built'],
      filters: { excludePlatforms: ['windows', 'macos'], blocklist: ['beta'] },
    });
    expect(inShort(some.report)).toEqual({
      fetched: [name(FOR_LINUX)],
      held: 0,
      leftOut: { 'for windows': 1, 'for macos': 1 },
    });
    const none = await syncing(rig.index(), { names: ['beta', 'alpha>9'], filters: { blocklist: ['b*'] } });
    expect(inShort(none.report)).toEqual({
      fetched: [],
      held: 0,
      missing: ['alpha: upstream has no release >9 that is to be taken'],
      refused: ['beta: policy'],
    });
  });

  it('what is held keeps up with its project', async () => {
    rig = await start({ files: ALL });
    await syncing(rig.index(), { names: ['alpha==2.0'] });
    const { report } = await syncing(rig.index(), { held: ['alpha', 'beta'] });
    expect(inShort(report)).toEqual({ fetched: [name(ALPHA_3)], held: 1 });
  });

  it('a lock brings the files that it names, and no other bytes', async () => {
    rig = await start({ files: ALL });
    const lock = (hash: string) =>
      readLock(
        'uv.lock',
        [
          'version = 1',
          '[[package]]\nname = "built"\nversion = "1.0"\nsource = {registry = "x"}',
          'wheels = [',
          `  {url = "https://h/${name(FOR_LINUX)}", hash = "sha256:${hash}"},`,
          `  {url = "https://h/${name(FOR_WINDOWS)}", hash = "sha256:${digestHex('sha256', FOR_WINDOWS.bytes)}"},`,
          `  {url = "https://h/gone-1.0-py3-none-any.whl", hash = "sha256:${'0'.repeat(64)}"},`,
          ']',
        ].join('\n'),
      );
    const wrong = await syncing(rig.index(), lock('0'.repeat(64)));
    expect(inShort(wrong.report)).toEqual({
      fetched: [name(FOR_WINDOWS)],
      held: 0,
      missing: [
        `${name(FOR_LINUX)}: upstream lists it with another digest than the lock`,
        'gone-1.0-py3-none-any.whl: upstream lists no such file',
      ],
    });
    expect(rig.fileAsked(FOR_LINUX)).toBe(0);
    const right = await syncing(rig.index(), { ...lock(hash(FOR_LINUX)), environments: [LINUX] });
    expect(inShort(right.report)).toEqual({
      fetched: [name(FOR_LINUX)],
      held: 0,
      leftOut: { 'for no environment that is given': 1 },
      missing: ['gone-1.0-py3-none-any.whl: upstream lists no such file'],
    });
  });

  it('counting fetches no file', async () => {
    rig = await start({ files: ALL });
    const { report } = await syncing(rig.index(), { names: ['alpha'], environments: [LINUX], fetches: false });
    expect(inShort(report)).toEqual({ fetched: [], held: 0 });
    expect(report.progress).toMatchObject({ files: 2, bytes: ALPHA_2.bytes.byteLength + BETA_2.bytes.byteLength });
    expect(rig.fileAsked(BETA_2)).toBe(0);
  });
});

describe('of an index that signs nothing', () => {
  it('a file that is not what its page says is refused, and the others come', async () => {
    const rig = await startIndexRig({ fill: (pypi) => [ALPHA_1, ALPHA_2].map((wheel) => pypi.upload('alpha', wheel)) });
    try {
      rig.pypi.files.fault(rig.pypi.storedAt(ALPHA_1), { kind: 'flip', at: 9 });
      const { report } = await syncing(rig.index(), { names: ['alpha'] });
      expect(inShort(report)).toEqual({ fetched: [name(ALPHA_2)], held: 0, refused: [`${name(ALPHA_1)}: digest`] });
      expect(isWhole(report)).toBe(false);
    } finally {
      await rig.close();
    }
  });

  it('all that is listed, or some of it by pattern, comes as upstream has it now', async () => {
    const rig = await startIndexRig({
      fill: (pypi) => [BETA_1, GAMMA, COLOUR].map((wheel) => pypi.upload(wheel.project, wheel)),
    });
    try {
      const some = await syncing(rig.index(), { globs: ['b*', 'x*'] });
      expect(inShort(some.report)).toEqual({
        fetched: [name(BETA_1)],
        held: 0,
        missing: ['x*: no project has such a name'],
      });
      // The page of beta was looked at a moment ago.
      rig.pypi.upload('beta', BETA_2);
      const { report } = await syncing(rig.index(), { listed: true, filters: { blocklist: ['colour'] } });
      expect(inShort(report)).toEqual({ fetched: [name(BETA_2), name(GAMMA)], held: 1 });
    } finally {
      await rig.close();
    }
  });

  it('what fails for a moment is tried again, and a pause is made before', async () => {
    const rig = await startIndexRig({ fill: (pypi) => pypi.upload('beta', BETA_1) });
    try {
      rig.pypi.index.fault('/simple/beta/', { kind: 'status', status: 503 }, 8);
      const pauses: number[] = [];
      const pause = async (ms: number) => void pauses.push(ms);
      const { report } = await syncing(rig.index(), { names: ['beta'], pause });
      expect(inShort(report)).toEqual({ fetched: [name(BETA_1)], held: 0 });
      expect([report.progress.retries, pauses[0]]).toEqual([pauses.length, 500]);
      expect(pauses.length).toBeGreaterThan(0);
    } finally {
      await rig.close();
    }
  });
});

describe('of a signed index', () => {
  let rig: SignedRig;
  afterEach(() => rig.close());

  /** Projects that are held, told while upstream publishes another release: so many times. */
  const whilePublishing = (times: number) => {
    let published = 0;
    return {
      async *[Symbol.asyncIterator]() {
        yield 'beta';
        if (published === times) return;
        rig.signed.upload('beta', tinyWheel('beta', `3.${published++}`));
        await rig.publish();
        await rig.refresh();
      },
    };
  };

  it('a sync begins again where the index publishes meanwhile, and ends inside one snapshot', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('beta', BETA_1) });
    const first = await syncing(rig.index(), { names: ['beta'] });
    expect([inShort(first.report).fetched, first.again]).toEqual([[name(BETA_1)], 0]);
    // Two in each of two rounds: what is wanted is counted before it is fetched.
    const { report, again } = await syncing(rig.index(), { held: whilePublishing(4) });
    expect(again).toBe(2);
    expect(inShort(report).fetched).toContain('beta-3.3-py3-none-any.whl');
    expect(isWhole(report)).toBe(true);
  });

  it('an index that never stands still is told as such', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('beta', BETA_1) });
    await expect(syncing(rig.index(), { held: whilePublishing(99) })).rejects.toMatchObject({
      reason: 'mix-and-match',
      subject: 'snapshot',
    });
  });
});
