import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { firstOf } from '../../../src/cli/explain.ts';
import type { Explanation } from '../../../src/mirror/package-index.ts';
import { reasonOf } from '../../support/client.ts';

// Of an address over several indexes, `explain` tells of the first that holds it.

const HELD: Explanation = {
  evidence: 'index',
  kind: 'project',
  name: 'alpha',
  project: 'alpha',
  digests: new Map(),
  pinned: undefined,
  reuploads: false,
  files: 1,
  firstSight: 0,
  byManifest: 0,
  leftOut: [],
  removed: [],
  rules: [],
  outOfReach: new Map(),
  odd: [],
  target: 'simple/alpha/',
  chain: [],
  forgeableOnline: [],
};

const index = (name: string, said: Explanation | Refusal['reason'], isKept = false) => ({
  name,
  isKept: async () => isKept,
  async explain(): Promise<Explanation> {
    if (typeof said === 'string') throw new Refusal(said, 'No.', { subject: 'page' });
    return said;
  },
});

describe('explain at an address over several indexes', () => {
  it.each(['unlisted', 'offline'] as const)('goes on where nothing is held of the first (%s)', async (reason) => {
    const { index: by } = await firstOf([index('private', reason), index('public', HELD)], 'alpha');
    expect(by.name).toBe('public');
  });

  it('tells of the first that holds it', async () => {
    expect((await firstOf([index('private', HELD), index('public', HELD)], 'alpha')).index.name).toBe('private');
  });

  it('goes no further where the first refuses otherwise', async () => {
    for (const reason of ['state', 'expired', 'policy'] as const)
      expect(await reasonOf(firstOf([index('private', reason), index('public', HELD)], 'alpha'))).toBe(reason);
  });

  it('names nobody behind one that had the name once', async () => {
    const kept = firstOf([index('private', 'unlisted', true), index('public', HELD)], 'alpha', 'alpha');
    expect(await reasonOf(kept)).toBe('regressed');
    const last = firstOf([index('private', 'unlisted'), index('public', 'unlisted', true)], 'alpha', 'alpha');
    expect(await reasonOf(last)).toBe('unlisted');
  });

  it('tells what the last one says where nobody holds it', async () => {
    const nobody = firstOf([index('private', 'offline'), index('public', 'offline')], 'alpha');
    expect(await reasonOf(nobody)).toBe('unlisted');
    await expect(nobody).rejects.toThrow('of the index public');
  });
});
