import { describe, expect, it } from 'vitest';
import { actsOf, type ChangeFlags } from '../../../../src/mirror/operator/acts.ts';
import type { PageContent, Pin } from '../../../../src/ports/index-state.ts';
import { createIndexState } from '../../../../src/state/index-state.ts';
import { createMemoryState } from '../../../support/memory-state.ts';

const FILE = 'demo-1.0-py3-none-any.whl';
const sha256 = (letter: string) => new Map([['sha256', letter.repeat(64)]] as const);
const PIN: Pin = { digests: sha256('a'), seen: 1, coreMetadata: sha256('c') };
const PAGE: PageContent = {
  project: 'demo',
  bytes: Buffer.from('{}'),
  contentType: 'application/vnd.pypi.simple.v1+json',
  etag: '"x"',
  serial: 7,
  seenSerial: 7,
  fetchedAt: 1,
  confirmedAt: 1,
  twice: true,
  fetch: 'first',
};

async function place() {
  const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
  await state.pins('demo').change(() => new Map([[FILE, PIN]]));
  await state.page('demo').change(() => ({ page: PAGE }));
  return { state, now: 9 };
}
const named = (change: ChangeFlags, project: string | undefined = 'demo', file: string | undefined = undefined) => ({
  project,
  file,
  change,
});
const refused = (reason: string) => ({ reason, subject: 'request' });

describe('what an operator accepts', () => {
  it('is exactly one change, of a project and a file where it takes them', async () => {
    const at = await place();
    const acts = (...of: Parameters<typeof named>) => actsOf(at, named(...of));
    await expect(acts({})).rejects.toMatchObject(refused('format'));
    await expect(acts({ removed: true, unyanked: true })).rejects.toMatchObject(refused('format'));
    await expect(acts({ removed: true }, 'no name!')).rejects.toMatchObject(refused('format'));
    // Of no project it would be of all of them.
    await expect(acts({ revokeFetch: 'first' }, 'no name!')).rejects.toMatchObject(refused('format'));
    await expect(actsOf(at, { ...named({ removed: true }), project: undefined })).rejects.toThrow('which project');
    await expect(acts({ unyanked: true })).rejects.toThrow('which file');
    await expect(acts({ serial: 'seven' })).rejects.toMatchObject(refused('format'));
    await expect(acts({ digest: 'md5:00' }, 'demo', FILE)).rejects.toMatchObject(refused('format'));
    for (const digest of ['sha256:00', `sha256:${'B'.repeat(64)}`, 'b'.repeat(64)])
      await expect(acts({ digest }, 'demo', FILE)).rejects.toMatchObject(refused('format'));
    await expect(acts({ digest: `sha256:${'b'.repeat(64)}` }, 'demo', 'other.whl')).rejects.toMatchObject(
      refused('unlisted'),
    );
    await expect(acts({ serial: '8' }, 'other')).rejects.toMatchObject(refused('unlisted'));
    await expect(acts({ removed: true }, 'other')).rejects.toMatchObject(refused('unlisted'));
  });

  it('of core metadata is its digest alone: the file stays what it was', async () => {
    const at = await place();
    const [act] = await actsOf(at, named({ coreMetadata: `sha256:${'d'.repeat(64)}` }, 'demo', FILE));
    expect(act).toMatchObject({ what: 'core metadata digest', after: `sha256:${'d'.repeat(64)}` });
    await act?.carryOut();
    const pin = (await at.state.pins('demo').read())?.value.get(FILE);
    expect(pin).toMatchObject({ digests: PIN.digests, coreMetadata: sha256('d') });
  });

  it.each<[ChangeFlags, string | undefined, string]>([
    [{ unyanked: true }, FILE, 'unyanked'],
    [{ unquarantined: true }, undefined, 'status'],
    [{ lost: 'provenance' }, FILE, 'provenance'],
    [{ removed: true }, FILE, 'file'],
  ])('%o is noted with the page, which is fetched whole then', async (change, file, kind) => {
    const at = await place();
    for (const act of await actsOf(at, named(change, 'demo', file))) await act.carryOut();
    const page = (await at.state.page('demo').read())?.value.page;
    expect(page?.etag).toBeUndefined();
    expect(page?.accepted).toMatchObject([{ kind, ...(file !== undefined && { file }) }]);
  });

  it('of a serial may be none at all', async () => {
    const at = await place();
    const [act] = await actsOf(at, named({ serial: 'none' }));
    expect(act).toMatchObject({ before: '7', after: 'none' });
    await act?.carryOut();
    expect((await at.state.page('demo').read())?.value.page?.serial).toBeUndefined();
  });
});
