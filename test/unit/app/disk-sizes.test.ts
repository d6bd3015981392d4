import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diskSizes } from '../../../src/app/disk-sizes.ts';
import { nodeFileOps } from '../../../src/disk/file-ops.ts';

it('what is remembered of bundles is counted among what lies on disk', async () => {
  const root = await mkdtemp(join(tmpdir(), 'verbatim-sizes-'));
  for (const number of ['000001', '000002']) {
    await mkdir(join(root, 'exports', 'main', number), { recursive: true });
    await writeFile(join(root, 'exports', 'main', number, 'state.jsonl'), Buffer.alloc(1000));
  }
  const sizes = await diskSizes(nodeFileOps, root, []);
  expect(sizes.find(({ part }) => part === 'exports')).toEqual({ part: 'exports', index: '', bytes: 2000 });
  await rm(root, { recursive: true });
});
