import { describe, expect, it } from 'vitest';
import { chunksOf } from '../../../../src/bundle/format/archive.ts';
import { readManifest } from '../../../../src/bundle/format/manifest-reader.ts';
import { FORMATS, formatFor } from '../../../../src/bundle/format/model.ts';
import { bytesOf, makeBundle } from '../../../support/bundles.ts';

const TARGET = { kind: 'target', name: 'dir/leaf', content: Buffer.from('x') } as const;
const ADVISORIES = { kind: 'advisories', url: 'https://feed.example/all.zip', content: Buffer.from('z') } as const;
const FILE = { kind: 'file', project: 'alpha', name: 'alpha-1.0.tar.gz', content: Buffer.from('y') } as const;

async function read(manifest: Buffer): Promise<readonly string[]> {
  const kinds: string[] = [];
  for await (const line of readManifest(chunksOf(bytesOf(manifest), 0, manifest.length)))
    if (line.line === 'entry') kinds.push(line.entry.kind);
  return kinds;
}

describe('formats of bundles', () => {
  it('a target stands behind all projects, in the format that has targets', async () => {
    const header = { format: formatFor('target') };
    expect(await read((await makeBundle({ header, contents: [FILE, TARGET] })).manifest)).toEqual(['file', 'target']);
    const wrong = await makeBundle({ header, contents: [TARGET, FILE] });
    await expect(read(wrong.manifest)).rejects.toMatchObject({ reason: 'format' });
  });

  it('a target in the format before is refused', async () => {
    const { manifest } = await makeBundle({ contents: [TARGET] });
    await expect(read(manifest)).rejects.toMatchObject({
      reason: 'format',
      message: expect.stringContaining('which its format does not have'),
    });
  });

  it('a target is carried as it is', async () => {
    const header = { format: formatFor('target') };
    const { manifest } = await makeBundle({ header, contents: [{ ...TARGET, coding: 'zstd' }] });
    await expect(read(manifest)).rejects.toMatchObject({ reason: 'format' });
  });

  it('advisories stand behind everything, once and as they are, in the format that has them', async () => {
    const header = { format: formatFor('advisories') };
    const contents = [FILE, TARGET, ADVISORIES];
    expect(await read((await makeBundle({ header, contents })).manifest)).toEqual(['file', 'target', 'advisories']);
    const wrong = [
      { header: { format: formatFor('target') }, contents },
      { header, contents: [FILE, ADVISORIES, TARGET] },
      { header, contents: [ADVISORIES, { ...ADVISORIES, content: Buffer.from('y') }] },
      { header, contents: [{ ...ADVISORIES, coding: 'zstd' as const }] },
      { header, contents: [{ ...ADVISORIES, name: 'of a name' }] },
    ];
    for (const made of wrong)
      await expect(read((await makeBundle(made)).manifest)).rejects.toMatchObject({ reason: 'format' });
  });

  it('one that comes later is told in words, with what would read it', async () => {
    const { manifest } = await makeBundle({ contents: [FILE] });
    const later = Buffer.from(manifest.toString('latin1').replace('verbatim-bundle/1', 'verbatim-bundle/9'), 'latin1');
    await expect(read(later)).rejects.toMatchObject({
      reason: 'format',
      message: expect.stringMatching(
        new RegExp(`verbatim-bundle/9, and this Verbatim reads ${FORMATS.join(' and ')}: a newer Verbatim`),
      ),
    });
  });
});
