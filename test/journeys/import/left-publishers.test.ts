import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { formatFor } from '../../../src/bundle/format/model.ts';
import { pinsText } from '../../../src/bundle/format/publishers.ts';
import { SignedIndex } from '../../../src/repository/signed-index.ts';
import { IMPORT, importKey, startImportRig } from '../../rigs/import-rig.ts';
import { makeScratch, NOW, signedConfig, startMirror } from '../../rigs/mirror.ts';
import { KEYS } from '../../rigs/signed-rig.ts';
import type { Content } from '../../support/bundles.ts';
import { createClock } from '../../support/clock.ts';
import { publishersOf, signingKey } from '../../support/sender.ts';
import { signedBundle } from '../../support/signed-bundles.ts';
import { withState } from '../../support/state.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// What a bundle says of whom files are expected from, and is not taken; the rest of the bundle is.

const ALPHA = tinyWheel('alpha');
const by = (id: string) => ({ kind: 'GitHub', name: `octo/${id}`, id, workflow: 'release.yml' });
const pins = (id: string) => Buffer.from(pinsText('main', [{ project: 'alpha', publishers: [by(id)] }]));

it('publishers that cannot be read, or that an older bundle names, are not taken, and nobody is who is known otherwise', async () => {
  const rig = await startImportRig();
  onTestFinished(() => rig.close());
  rig.sender.put('alpha', ALPHA);
  const bundle = async (publishers: Uint8Array) => (await rig.sender.bundle({ publishers })).whole;
  const known = async () => {
    await rig.stop();
    const names = await withState(rig.data(), async (state) =>
      (await state.provenance('alpha').read())?.value.publishers.map(({ id }) => id),
    );
    await rig.start();
    return names;
  };
  for (const bad of ['{', pinsText('main', [{ project: 'Alpha', publishers: [by('4711')] }])]) {
    const taken = await rig.take([await bundle(Buffer.from(bad))]);
    expect(taken).toMatchObject({ publishers: { became: 'left', reason: 'format' }, pages: 1, files: 1 });
  }
  expect(await known()).toBeUndefined();
  const first = await bundle(pins('4711'));
  expect((await rig.take([first], { dryRun: true })).publishers).toMatchObject({ became: 'untried', taken: [] });
  expect(await known()).toBeUndefined();
  expect((await rig.take([first])).publishers).toMatchObject({ became: 'taken', taken: ['alpha'] });
  expect((await rig.take([first])).publishers).toMatchObject({ became: 'taken', taken: [], same: 1 });
  const other = await rig.take([await bundle(pins('666'))]);
  expect(other.publishers).toMatchObject({ became: 'taken', taken: [], conflicts: [{ project: 'alpha' }] });
  expect((await rig.take([first])).publishers).toMatchObject({ became: 'left', reason: 'rollback' });
  expect(await known()).toEqual(['4711']);
});

it('publishers in a bundle of a signed index are not taken, whether anybody signed that or not', async () => {
  const clock = createClock(NOW);
  const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: clock.now });
  signed.upload('alpha', ALPHA);
  signed.publish();
  const scratch = await makeScratch();
  const root = join(scratch, 'root.json');
  await writeFile(root, signed.repository.files.get('metadata/1.root.json') ?? '');
  const key = await signingKey();
  const config = signedConfig({
    upstream: 'https://main.invalid/',
    root,
    import: { ...IMPORT, keys: [importKey('outside', key)] },
  });
  const site = await startMirror({ scratch, clock, indexes: () => [config] });
  onTestFinished(() => site.close());
  const header = { format: formatFor('publishers') };
  const change = (contents: Content[]) => void contents.push(...publishersOf(pins('4711')));
  const whys = ['nobody signed them whose signature is believed here (import.keys)', 'has no place for provenance'];
  for (const [at, keys] of [[], [key]].entries()) {
    const { whole } = await signedBundle(signed, {
      wheels: [ALPHA],
      at: NOW,
      header,
      change,
      keys,
    });
    const { publishers, isHere, files } = await site.take([whole]);
    expect([publishers, isHere ? 'here' : files]).toEqual([
      expect.objectContaining({ became: 'left', reason: 'policy', why: expect.stringContaining(whys[at] ?? '') }),
      at === 0 ? 1 : 'here',
    ]);
  }
  expect(await site.names('alpha')).toEqual([ALPHA.filename]);
});
