import { describe, expect, it } from 'vitest';
import type { ContentsOfProject, KeptContents } from '../../../src/ports/contents/kept.ts';
import { verifyState } from '../../../src/state/admin/verify-state.ts';
import { CONTENTS } from '../../../src/state/found/contents.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { CONTENTS_FILES } from '../../../src/state/limits.ts';
import { createMemoryState } from '../../support/memory-state.ts';

// What was found in files is remembered by their digests, and found out again where it cannot be read.

const DIGEST = 'a'.repeat(64);
const found = (more: Partial<KeptContents>): KeptContents => ({ file: DIGEST, at: 5, born: 4, ...more });
const KEPT: ContentsOfProject = new Map([
  ['mill-3.whl', found({ at: 7, startup: [], differs: ['Version "1" and the index says "2"'] })],
  ['mill-2.whl', found({ at: 6, licence: { expression: 'MIT', classifiers: [] }, startup: ['mill.pth'] })],
  ['mill-1.whl', found({ licence: { licence: 'BSD', classifiers: ['BSD License'] } })],
]);

describe('what is remembered of what lies in files', () => {
  it('comes back as it was', async () => {
    expect(await CONTENTS.decode(await CONTENTS.encode(KEPT))).toEqual(KEPT);
  });

  it('is nothing that it did not write', async () => {
    const text = Buffer.from(await CONTENTS.encode(KEPT)).toString();
    for (const other of [text.replace(DIGEST, `${DIGEST}0`), text.replace('"at":7', '"at":"7"'), text.slice(1), '{}'])
      expect(await CONTENTS.decode(Buffer.from(other))).toBeUndefined();
  });

  it('is of so many files, those that were looked at last', async () => {
    const many = Array.from({ length: CONTENTS_FILES + 1 }, (_, at) => [`${at}.whl`, found({ at })] as const);
    const back = await CONTENTS.decode(await CONTENTS.encode(new Map(many)));
    expect([back?.size, back?.has('0.whl')]).toEqual([CONTENTS_FILES, false]);
  });

  it('is read again with all that an index remembers', async () => {
    const storage = createMemoryState().party();
    const state = createIndexState({ storage, index: 'main' });
    await state.contents('mill').change(() => KEPT);
    expect(await verifyState(state)).toEqual({ items: 1, wrong: [] });
    await storage.create(['main', 'contents', 'mill'], 2, Buffer.from('{}'));
    expect(await verifyState(state)).toMatchObject({ items: 1 });
  });
});
