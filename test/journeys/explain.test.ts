import { afterEach, describe, expect, it } from 'vitest';
import { explanationLines } from '../../src/app/explanation-text.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import type { Mirror } from '../rigs/mirror.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { client } from '../support/callers.ts';
import { reasonOf } from '../support/client.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What `explain` says must be true of this mirror as it is configured, at this moment.

const ALPHA = tinyWheel('alpha');
const OTHER = tinyWheel('alpha', '1.0', 'other bytes');

const textOf = async (mirror: Pick<Mirror, 'index' | 'clock'>, name: string) =>
  explanationLines(await mirror.index().explain(name, client()), mirror.clock.now()).join('\n');

describe('explain, of a signed index', () => {
  let rig: SignedRig;
  afterEach(() => rig.close());

  it.each([true, false])('claims a pin only where files are held to it (reuploads: %s)', async (reuploads) => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA), index: { reuploads } });
    for (const name of ['alpha', ALPHA.filename]) {
      expect((await rig.index().explain(name, client())).reuploads).toBe(reuploads);
      expect(/pinned here/i.test(await textOf(rig, name))).toBe(!reuploads);
    }
  });

  it('does not say that a file is unlisted whose page cannot be had', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
    expect(await reasonOf(rig.index().explain('beta-1.0-py3-none-any.whl', client()))).toBe('unlisted');
    rig.upstream.fault(rig.storedPage('alpha'), { kind: 'status', status: 500 });
    expect(await reasonOf(rig.index().explain(ALPHA.filename, client()))).toBe('unreachable');
  });
});

describe('explain, of an index that signs nothing', () => {
  let rig: IndexRig;
  afterEach(() => rig.close());
  const start = async (options: IndexRigOptions = {}) => {
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), ...options });
  };

  it('says that nobody signed, and who could forge a new file', async () => {
    await start();
    expect(await rig.index().explain('Alpha', client())).toMatchObject({
      evidence: 'index',
      kind: 'project',
      project: 'alpha',
      chain: [],
      forgeableOnline: [],
      files: 1,
    });
    const text = await textOf(rig, 'alpha');
    expect(text).toContain('Nobody signed it.');
    expect(text).toContain('To forge a NEW file for it');
    expect(text).not.toContain('evidence: tuf');
  });

  it('tells a digest seen once from one that is held to for good', async () => {
    await start();
    const digest = `Digest on its page: sha256 ${(await rig.page('alpha')).files[0]?.hashes['sha256']}`;
    expect(await textOf(rig, ALPHA.filename)).toContain(digest);
    expect(await textOf(rig, ALPHA.filename)).toMatch(/provisional until it was sent to a client, or its/);
    expect(await textOf(rig, ALPHA.filename)).toContain('To forge this file');
    await rig.get(rig.path(ALPHA));
    await expect.poll(() => textOf(rig, ALPHA.filename)).toContain('no other bytes are ever served under this name');
    expect(await textOf(rig, ALPHA.filename)).toContain('To forge it now');
  });

  it('claims no pin where the operator lets files be exchanged', async () => {
    await start({ index: { reuploads: true } });
    expect(await textOf(rig, ALPHA.filename)).toContain('Not held to what was first seen');
  });

  it('says why a file is withheld, in the words that its address is refused with', async () => {
    await start();
    await rig.page('alpha');
    await rig.get(rig.path(ALPHA));
    await rig.later('alpha');
    await rig.later('alpha');
    rig.pypi.replace('alpha', OTHER);
    await rig.later('alpha');
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
    expect(await reasonOf(rig.index().explain(ALPHA.filename, client()))).toBe('changed');
  });

  it('does not know what no page lists', async () => {
    await start();
    for (const name of ['beta', 'beta-1.0.tar.gz', 'alpha-9.0-py3-none-any.whl', 'no name at all'])
      expect(await reasonOf(rig.index().explain(name, client())), name).toBe('unlisted');
  });
});
