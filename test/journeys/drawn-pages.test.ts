import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import type { FakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Pages as they were drawn outlast a restart where a seal key tells our own bytes from another's, and only there.

const FILES = 900;
const FIRST = 'alpha-1.0-py3-none-any.whl';
const PAGE = '/simple/alpha/';
const digestOf = (text: string) => sha256Hex(Buffer.from(text));

function fill(pypi: FakePypi): void {
  const wheel = tinyWheel('alpha');
  for (let at = 0; at < FILES; at++)
    pypi.upload(
      'alpha',
      { ...wheel, filename: wheel.filename.replace('1.0', `${at + 1}.0`) },
      {
        hashes: { sha256: digestOf(`file ${at}`) },
        'core-metadata': { sha256: digestOf(`metadata ${at}`) },
      },
    );
}

let directory: string;
let rig: IndexRig | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-drawn-'));
  await writeFile(join(directory, 'seal.key'), 'a secret of more than sixteen bytes');
});
afterEach(async () => {
  await rig?.close();
  rig = undefined;
  await rm(directory, { recursive: true });
});

async function start(isSealed: boolean): Promise<IndexRig> {
  const seal = { key: join(directory, 'seal.key'), epoch: join(directory, 'epoch') };
  rig = await startIndexRig({ fill, ...(isSealed ? { seal } : {}) });
  return rig;
}

const results = ({ events }: IndexRig) => events.cached.map(({ tier, result }) => `${tier} ${result}`);
const get = (mirror: IndexRig, coding = 'gzip') =>
  mirror.get(PAGE, { headers: { accept: JSON_PAGE, 'accept-encoding': coding } });
const drawn = (mirror: IndexRig) => join(mirror.data(), 'drawn');

describe('with a seal key', () => {
  it('a page is found again after a restart, byte for byte, in files that only we read', async () => {
    const mirror = await start(true);
    const before = await get(mirror);
    await mirror.restart();
    const after = await get(mirror);
    expect(results(mirror)).toEqual(['disk miss', 'disk hit']);
    expect(after.body).toEqual(before.body);
    expect(after.headers['etag']).toBe(before.headers['etag']);
    const plain = await get(mirror, 'identity');
    expect(JSON.parse(plain.body.toString()).files).toHaveLength(FILES);
    const [name = ''] = await readdir(drawn(mirror));
    expect((await stat(drawn(mirror))).mode & 0o777).toBe(0o700);
    expect((await stat(join(drawn(mirror), name))).mode & 0o777).toBe(0o600);
    expect(mirror.pypi.asked('alpha')).toHaveLength(1);
  });

  it('one that was changed on the disk is refused and drawn again', async () => {
    const mirror = await start(true);
    const before = await get(mirror);
    await mirror.stop();
    const [name = ''] = await readdir(drawn(mirror));
    const path = join(drawn(mirror), name);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(9000) ^ 1, 9000);
    await writeFile(path, bytes);
    await mirror.start();
    expect((await get(mirror)).body).toEqual(before.body);
    expect(results(mirror)).toEqual(['disk miss', 'disk refused']);
  });

  it('one whose pins an operator has changed since is found and not served: the file is withheld', async () => {
    const mirror = await start(true);
    await get(mirror);
    await mirror.stop();
    await mirror.onDisk(async ({ pins }) => {
      const pin = (await pins.of('alpha')).get(FIRST) ?? expect.fail();
      const digests = new Map([['sha256', digestOf('another')]] as const);
      await pins.replace('alpha', FIRST, { ...pin, provisional: undefined, digests });
    });
    await mirror.start();
    const names = await mirror.names('alpha');
    expect(names).toHaveLength(FILES - 1);
    expect(names).not.toContain(FIRST);
    expect(results(mirror)).toEqual(['disk miss', 'disk hit']);
  });
});

describe('without one', () => {
  it('nothing of it outlasts the process', async () => {
    const mirror = await start(false);
    await get(mirror);
    await mirror.restart();
    await get(mirror);
    expect(results(mirror)).toEqual(['disk miss', 'disk miss']);
    expect(await readdir(mirror.data())).not.toContain('drawn');
  });
});
