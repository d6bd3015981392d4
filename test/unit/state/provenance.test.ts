import { describe, expect, it } from 'vitest';
import type { KeptJudgement, KeptProvenance } from '../../../src/ports/provenance/kept.ts';
import { verifyState } from '../../../src/state/admin/verify-state.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { JUDGEMENTS } from '../../../src/state/limits.ts';
import { PROVENANCE } from '../../../src/state/provenance.ts';
import { createMemoryState } from '../../support/memory-state.ts';

const DIGEST = 'a'.repeat(64);
const MILL = {
  kind: 'GitHub',
  name: 'octo/mill',
  id: 'https://github.com repository 4711',
  workflow: 'release.yml',
  environment: undefined,
};
const judged = (judgement: KeptJudgement['judgement'], at = 5): KeptJudgement => ({
  file: DIGEST,
  document: judgement.result === 'unavailable' ? undefined : DIGEST,
  root: DIGEST,
  at,
  judgement,
});
const KEPT: KeptProvenance = {
  since: 5,
  publishers: [{ ...MILL, since: 5, by: 'first-sight' }],
  accepted: [{ version: '2.0', reason: 'they told us', at: 6 }],
  files: new Map([
    ['mill-4.whl', judged({ result: 'verified', publishers: [MILL], unchecked: ['a log that is not known'] }, 8)],
    ['mill-3.whl', judged({ result: 'refused', why: 'it is about another file' }, 7)],
    ['mill-2.whl', judged({ result: 'unchecked', why: 'its log is not known' }, 6)],
    ['mill-1.whl', judged({ result: 'unavailable', why: 'there is none', lasting: true })],
  ]),
};

const written = async (kept: KeptProvenance) => Buffer.from(await PROVENANCE.encode(kept)).toString();

describe('what is remembered of who published files', () => {
  it('comes back as it was', async () => {
    expect(await PROVENANCE.decode(await PROVENANCE.encode(KEPT))).toEqual(KEPT);
  });

  it.each([
    ['a digest that is none', (text: string) => text.replace(DIGEST, `${DIGEST}0`)],
    ['a publisher that is not there', (text: string) => text.replace('"by":[0]', '"by":[1]')],
    ['a place before the first', (text: string) => text.replace('"by":[0]', '"by":[-1]')],
    ['no JSON', (text: string) => text.slice(1)],
  ])('is not believed with %s', async (_, change) => {
    const text = await written(KEPT);
    expect(change(text)).not.toBe(text);
    expect(await PROVENANCE.decode(Buffer.from(change(text)))).toBeUndefined();
  });

  it('is of so many files, those that were looked at last', async () => {
    const many = Array.from(
      { length: JUDGEMENTS + 1 },
      (_, at) => [`${at}.whl`, judged({ result: 'refused', why: '' }, at)] as const,
    );
    const back = await PROVENANCE.decode(await PROVENANCE.encode({ ...KEPT, files: new Map(many) }));
    expect([back?.files.size, back?.files.has('0.whl')]).toEqual([JUDGEMENTS, false]);
  });

  it('is read again with all that an index remembers', async () => {
    const storage = createMemoryState().party();
    const state = createIndexState({ storage, index: 'main' });
    await state.provenance('mill').change(() => KEPT);
    expect(await verifyState(state)).toEqual({ items: 1, wrong: [] });
    await storage.create(['main', 'provenance', 'mill'], 2, Buffer.from('{}'));
    expect(await verifyState(state)).toMatchObject({ items: 1, wrong: [{ item: 'provenance/mill' }] });
  });
});
