import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tellToRetain } from '../../src/app/control/on-servers.ts';
import { encodeStateLine } from '../../src/bundle/export/state-lines.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { ExportHistory } from '../../src/disk/bundles/export-history.ts';
import { nodeFileOps } from '../../src/disk/file-ops.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';

// Files that an export is about to read stay, however little room there is.

const BYTES = 300_000;
const wheels = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh'].map((project) =>
  tinyWheel(project, '1.0', project.repeat(BYTES / project.length)),
);
const [first, ...others] = wheels;

it('what an export reads is spared by servers on its directory while it lasts, and no longer', async () => {
  if (first === undefined) throw new TypeError('there is a first wheel');
  const scratch = await mkdtemp(join(tmpdir(), 'verbatim-spared-'));
  const data = join(scratch, 'data');
  const pypi = await startFakePypi();
  for (const wheel of wheels) pypi.upload(wheel.project, wheel);
  const words = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
  const server = await startVerbatim([...words, '--max-bytes', String(3 * BYTES)], data);
  try {
    const fetched = async (wheel: (typeof wheels)[number]) => {
      await (await fetch(new URL(`${wheel.project}/`, server.simple))).arrayBuffer();
      await (await fetch(new URL(pypi.storedAt(wheel), server.simple))).arrayBuffer();
    };
    const sha256 = sha256Hex(first.bytes);
    const isThere = () =>
      stat(join(data, 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2))).then(
        () => true,
        () => false,
      );
    await fetched(first);
    const making = await new ExportHistory(nodeFileOps, data, 'main').begin();
    const state = await making.create('state.jsonl');
    const entry = { kind: 'file', project: 'first', name: first.filename, size: first.bytes.byteLength } as const;
    await state.append(encodeStateLine({ ...entry, sha256, mark: undefined }));
    await state.append(Buffer.from('["file","half a li'));
    await state.settle();
    expect(await tellToRetain({ data })).toEqual([]);
    for (const wheel of others.slice(0, 4)) await fetched(wheel);
    expect(await isThere()).toBe(true);
    await making.discard();
    expect(await tellToRetain({ data })).toEqual([]);
    // A second use is what the order of use counts.
    for (const wheel of others.flatMap((each) => [each, each])) await fetched(wheel);
    expect(await isThere()).toBe(false);
    const made = await verbatim('export', scratch, ...words, '--data', data, '--json');
    expect([made.code, made.stderr]).toEqual([0, '']);
  } finally {
    await server.close();
    await pypi.close();
    await rm(scratch, { recursive: true });
  }
});
