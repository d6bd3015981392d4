import { afterEach, describe, expect, it } from 'vitest';
import { type Bulk, bulkActs } from '../../src/mirror/operator/bulk-acts.ts';
import { digestHex } from '../../src/repository/digests.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Whoever holds an index for an hour may leave every project unable to move: by a serial beyond all that follow, or by digests
// that nobody else will ever list. One audited word takes that back.

const PROJECTS = ['alpha', 'beta', 'gamma'];
const A_DAY = 86_400;
const HUGE = '900000000000';

let rig: IndexRig;
afterEach(() => rig.close());

const start = async () => {
  rig = await startIndexRig({
    index: { staleIfError: A_DAY },
    fill: (pypi) => {
      for (const name of PROJECTS) pypi.upload(name, tinyWheel(name));
    },
  });
};
const lookTwice = async () => {
  for (const name of PROJECTS) {
    await rig.page(name);
    await rig.later(name);
    await rig.later(name);
  }
};
const poisoned = async (names: readonly string[]) => {
  for (const name of names)
    rig.pypi.page(
      name,
      (sent) => ({ ...sent, headers: { ...sent.headers, etag: '"x"', 'x-pypi-last-serial': HUGE } }),
      6,
    );
  await lookTwice();
};
const acts = async (bulk: Bulk, carryOut: boolean) => {
  const journal = await rig.journal();
  return rig.onDisk(async ({ state }) => {
    const found = await bulkActs({ state, now: rig.clock.now() }, bulk, each(journal));
    if (carryOut) for (const act of found) await act.carryOut();
    return found.map(({ project }) => project).sort();
  });
};
async function* each<T>(items: readonly T[]) {
  yield* items;
}

describe('a huge serial, seen twice, in every project', () => {
  it('is taken back by one word for all that are refused, and for no other', async () => {
    await start();
    await poisoned(['alpha', 'gamma']);
    for (const name of PROJECTS) rig.pypi.upload(name, tinyWheel(name, '2.0'));
    rig.pypi.heal();
    for (let hours = 0; hours < 26; hours += 2) {
      rig.clock.advance(7200);
      for (const name of PROJECTS) await rig.get(`/simple/${name}/`);
    }
    for (const name of ['alpha', 'gamma']) expect(await rig.refused(`/simple/${name}/`)).toBe('502 regressed');
    expect(await rig.names('beta')).toHaveLength(2);

    expect(await acts({ refused: 'regressed' }, false)).toEqual(['alpha', 'gamma']);
    expect(await acts({ refused: 'regressed', since: rig.clock.now() + 1 }, false)).toEqual([]);
    expect(await acts({ refused: 'regressed', fetch: 'of nobody' }, false)).toEqual([]);
    // Looking changed nothing.
    expect(await rig.refused('/simple/alpha/')).toBe('502 regressed');
    await acts({ refused: 'regressed' }, true);
    for (const name of PROJECTS) expect((await rig.later(name)).map(({ filename }) => filename)).toHaveLength(2);
    expect(await acts({ refused: 'regressed' }, false)).toEqual([]);
  });
});

describe('other digests for files that were sent, in every project', () => {
  it('are let through by one word, by the fetch that brought the first ones', async () => {
    await start();
    for (const name of PROJECTS) {
      await rig.page(name);
      expect((await rig.get(rig.path(tinyWheel(name)))).status).toBe(200);
    }
    for (const name of PROJECTS) rig.pypi.replace(name, tinyWheel(name, '1.0', 'the true one'));
    for (const name of PROJECTS) expect(await rig.later(name)).toEqual([]);
    const [one] = [...(await rig.pins('alpha')).values()];
    expect(await acts({ refused: 'changed', fetch: one?.fetch }, false)).toEqual(['alpha']);
    expect(await acts({ refused: 'changed' }, true)).toEqual(PROJECTS);
    for (const name of PROJECTS) {
      const [file] = await rig.later(name);
      expect(file?.hashes['sha256']).toBe(digestHex('sha256', tinyWheel(name, '1.0', 'the true one').bytes));
    }
  });
});
