import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeptArchive } from '../../../../src/app/advisories/kept-archive.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';

const RECORD = Buffer.from('{"id":"MAL-2026-1","details":"It steals keys."}');
const STORED = 0;
const DEFLATED = 8;

let directory: string;
let damage: unknown[];
let archive: KeptArchive | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-kept-'));
  damage = [];
});
afterEach(async () => {
  await archive?.close();
  archive = undefined;
  await rm(directory, { recursive: true });
});

const OFFSET = 7;
/** An archive with this behind some other bytes, and the place of it. */
const keep = async (packed: Buffer, method: number) => {
  const path = join(directory, 'feed.zip');
  await writeFile(path, Buffer.concat([Buffer.alloc(OFFSET), packed]));
  archive = (await KeptArchive.open(nodeFileOps, path, (cause) => damage.push(cause))) ?? expect.fail();
  const place = { offset: OFFSET, compressed: packed.byteLength, size: RECORD.byteLength, method, crc: crc32(RECORD) };
  return { archive, place };
};
const refused = { reason: 'state', transient: true };

describe('a record of the archive that is kept', () => {
  it.each([
    ['as it is', RECORD, STORED],
    ['unpacked', deflateRawSync(RECORD), DEFLATED],
  ])('is read %s', async (_, packed, method) => {
    const { archive, place } = await keep(packed, method);
    expect(Buffer.from(await archive.record(place))).toEqual(RECORD);
    expect((await archive.whole()).byteLength).toBe(OFFSET + packed.byteLength);
    expect(damage).toEqual([]);
  });

  it('has blanks where it had a byte order mark', async () => {
    const marked = Buffer.concat([Buffer.from('\ufeff'), RECORD]);
    const { archive, place } = await keep(marked, STORED);
    const read = await archive.record({ ...place, size: marked.byteLength, crc: crc32(marked) });
    expect(Buffer.from(read)).toEqual(Buffer.concat([Buffer.from('   '), RECORD]));
  });

  it.each([
    ['has another checksum', RECORD, STORED, { crc: 1 }],
    ['has another length', RECORD, STORED, { size: RECORD.byteLength + 1 }],
    ['unpacks to something else', deflateRawSync(Buffer.from('{}')), DEFLATED, {}],
    ['unpacks to more', deflateRawSync(Buffer.concat([RECORD, RECORD])), DEFLATED, {}],
    ['cannot be unpacked', Buffer.from('\u0007'), DEFLATED, {}],
    ['is cut', RECORD, STORED, { offset: OFFSET + 1 }],
  ])('that %s is refused, and that is told', async (_, packed, method, other) => {
    const { archive, place } = await keep(packed, method);
    await expect(archive.record({ ...place, ...other })).rejects.toMatchObject(refused);
    expect(damage).toHaveLength(1);
  });

  it('is refused where the archive was closed, which is no damage', async () => {
    const { archive: closed, place } = await keep(RECORD, STORED);
    await closed.close();
    archive = undefined;
    await expect(closed.record(place)).rejects.toMatchObject(refused);
    expect(damage).toEqual([]);
  });

  it('is nowhere where none is kept', async () => {
    expect(await KeptArchive.open(nodeFileOps, join(directory, 'none'), () => undefined)).toBeUndefined();
  });
});
