import { expect, it } from 'vitest';
import { actsOf } from '../../../../src/mirror/operator/acts.ts';
import type { KeptProvenance } from '../../../../src/ports/provenance/kept.ts';
import { createIndexState } from '../../../../src/state/index-state.ts';
import { createMemoryState } from '../../../support/memory-state.ts';

const DIGEST = 'a'.repeat(64);
const MILL = {
  kind: 'GitHub',
  name: 'octo/mill',
  id: 'https://github.com repository 4711',
  workflow: 'release.yml',
  environment: undefined,
};
const OTHER = { ...MILL, name: 'evil/mill', id: 'https://github.com repository 666' };
const judged = (publisher: typeof MILL) => ({
  file: DIGEST,
  document: DIGEST,
  root: DIGEST,
  at: 5,
  judgement: { result: 'verified', publishers: [publisher], unchecked: [] } as const,
});
const KEPT: KeptProvenance = {
  since: 5,
  publishers: [{ ...MILL, since: 5, by: 'first-sight' }],
  accepted: [],
  files: new Map([
    ['mill-1.0-py3-none-any.whl', judged(MILL)],
    ['mill-2.0-py3-none-any.whl', judged(OTHER)],
  ]),
};

async function place() {
  const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
  await state.provenance('mill').change(() => KEPT);
  const act = async (publisher: string, project = 'mill') =>
    actsOf({ state, now: 9, reason: 'they told us' }, { project, file: undefined, change: { publisher } });
  const kept = async () => (await state.provenance('mill').read())?.value;
  return { act, kept };
}

it('a release that an operator accepts may be by somebody else, who is known from then on', async () => {
  const { act, kept } = await place();
  const [accepted] = await act('2.0.0');
  expect(accepted).toMatchObject({
    before: 'GitHub octo/mill release.yml',
    after: 'GitHub octo/mill release.yml, GitHub evil/mill release.yml',
  });
  expect(await kept()).toEqual(KEPT);
  await accepted?.carryOut();
  expect(await kept()).toEqual({
    ...KEPT,
    publishers: [...KEPT.publishers, { ...OTHER, since: 9, by: 'operator' }],
    accepted: [{ version: '2.0.0', reason: 'they told us', at: 9 }],
  });
});

it('a project of which nobody is to be known any more begins anew', async () => {
  const { act, kept } = await place();
  const [accepted] = await act('none');
  await accepted?.carryOut();
  expect(await kept()).toEqual({ ...KEPT, since: 9, publishers: [] });
});

it('nothing is accepted of a project of which nothing is remembered', async () => {
  const { act } = await place();
  await expect(act('1.0', 'other')).rejects.toMatchObject({ reason: 'unlisted', subject: 'request' });
});
