import { readdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What a client can do to others, and who writes to the data volume under a mirror that serves.

/** Too large for the database of small files. */
const ALPHA = tinyWheel('alpha', '1.0', 'x'.repeat(70_000));

let rig: SignedRig;
afterEach(() => rig.close());

const start = async () => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
  await rig.refresh();
};

describe('a crowd', () => {
  it('of 200 clients for one cold file makes one request upstream', async () => {
    await start();
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'stall', at: 'headers', time: 200 });
    const answers = await Promise.all(Array.from({ length: 200 }, () => rig.get(rig.path(ALPHA))));
    expect(answers.every(({ status, body }) => status === 200 && body.equals(ALPHA.bytes))).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(1);
  });

  it('of 100 clients for one page of a mirror that knows nothing yet asks upstream for each thing once', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
    const bin = rig.signed.roleFor('alpha', rig.signed.pagePath('alpha'));
    for (const path of ['/metadata/timestamp.json', `/metadata/1.${bin}.json`, rig.storedPage('alpha')])
      rig.upstream.fault(path, { kind: 'stall', at: 'headers', time: 100 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => rig.get('/simple/alpha/')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const asked = rig.upstream.requests.map(({ url }) => url);
    expect(asked.toSorted()).toEqual([...new Set(asked)].sort());
  });

  it('of 50 TUF clients of a mirror that knows nothing yet makes it refresh once', async () => {
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
    rig.upstream.fault('/metadata/2.root.json', { kind: 'stall', at: 'headers', time: 100 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => rig.get('/tuf/metadata/timestamp.json')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(rig.upstream.asked('/metadata/timestamp.json')).toHaveLength(1);
  });

  it('whose first client leaves in the middle loses nothing', async () => {
    await start();
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'stall', at: 100, time: 500 }, 1);
    const first = request(`${rig.url()}${rig.path(ALPHA)}`, { agent: false });
    first.on('error', () => undefined);
    first.end();
    await rig.upstream.reached(rig.storedFile(ALPHA));
    const second = rig.get(rig.path(ALPHA));
    // It waits for the same download by then.
    for (let at = 0; at < 3; at++) await rig.get('/livez');
    first.destroy();
    expect((await second).body.equals(ALPHA.bytes)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(1);
  });

  it('of which all leave: the download goes on, for whoever comes next', async () => {
    await start();
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'stall', at: 100, time: 100 }, 1);
    const only = request(`${rig.url()}${rig.path(ALPHA)}`, { agent: false });
    only.on('error', () => undefined);
    only.end();
    await rig.upstream.reached(rig.storedFile(ALPHA));
    only.destroy();
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(1);
  });

  it('that is refused together is refused by one download', async () => {
    await start();
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'flip', at: 50 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => rig.get(rig.path(ALPHA))));
    expect(answers.every(({ status }) => status === 403 || status === 503)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(2);
  });
});

describe('made-up names', () => {
  it.each(['constructor', '__proto__', 'tostring', 'hasownproperty', 'has-own-property', '9', 'null'])(
    'the project %s is absent, plainly',
    async (name) => {
      await start();
      expect(await rig.refused(`/simple/${name}/`)).toBe('404 unlisted');
      expect(await rig.refused(`/files/${name}/${'a'.repeat(64)}/${name}-1.0.tar.gz`)).toBe('404 unlisted');
      expect(await rig.refused(`/packages/aa/bb/${'c'.repeat(60)}/${name}-1.0.tar.gz`)).toBe('404 unlisted');
      for (const path of ['tuf/metadata', 'tuf/targets'])
        expect(await rig.refused(`/${path}/${name}`)).toMatch(/^404 /);
      expect(await rig.refused(`/tuf/metadata/1.${name}.json`)).toMatch(/^404 /);
    },
  );

  it('of roles are not looked for in the tree', async () => {
    await start();
    const asked = rig.upstream.requests.length;
    for (const name of ['nobody', '1.nobody', '1.bin-9999'])
      expect(await rig.refused(`/tuf/metadata/${name}.json`)).toBe('404 unlisted');
    expect(rig.upstream.requests).toHaveLength(asked);
  });

  it('by the hundred cost upstream nothing and leave nothing behind', async () => {
    await start();
    for (const name of rig.signed.bins.names) await rig.get(`/tuf/metadata/1.${name}.json`);
    await rig.page('alpha');
    const [asked, files] = [rig.upstream.requests.length, await filesBelow(rig.data())];
    for (let i = 0; i < 300; i++) {
      const name = `made-up-${i}-${(i * 7919) % 1009}`;
      expect((await rig.get(`/simple/${name}/`)).status).toBe(404);
      expect((await rig.get(`/tuf/metadata/${i}.${name}.json`)).status).toBe(404);
      expect((await rig.get(`/tuf/targets/simple/${name}/index.html`)).status).toBe(404);
      expect((await rig.get(`/packages/aa/bb/${'0'.repeat(60)}/${name}-1.0.tar.gz`)).status).toBe(404);
    }
    expect(rig.upstream.requests).toHaveLength(asked);
    expect(await filesBelow(rig.data())).toEqual(files);
  });
});

describe('a blob changed on disk', () => {
  const blob = () => {
    const sha256 = digestHex('sha256', ALPHA.bytes);
    return join(rig.data(), 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2));
  };
  const change = async (at: number) => {
    const bytes = await readFile(blob());
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(blob(), bytes);
  };
  const damages: Readonly<Record<string, () => Promise<void>>> = {
    'at its start': () => change(0),
    'at its end': () => change(ALPHA.bytes.byteLength - 1),
    'by being cut short': async () => writeFile(blob(), ALPHA.bytes.subarray(0, 50)),
    'by growing': async () => writeFile(blob(), Buffer.concat([ALPHA.bytes, Buffer.from('x')])),
    'by being emptied': async () => writeFile(blob(), ''),
  };

  describe.each(Object.entries(damages))('%s', (_, damage) => {
    it.each(['before the start', 'while it is warm'])('%s: no changed byte leaves, and it heals', async (when) => {
      await start();
      await rig.get(rig.path(ALPHA));
      if (when === 'before the start') await rig.stop();
      await damage();
      if (when === 'before the start') await rig.start();
      const headers = { range: 'bytes=10-29' };
      const part = await rig.get(rig.path(ALPHA), { headers });
      expect(part.status).toBe(206);
      expect(part.body.equals(ALPHA.bytes.subarray(10, 30))).toBe(true);
      expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
      expect((await readFile(blob())).equals(ALPHA.bytes)).toBe(true);
      expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(2);
      expect(rig.events.rejected.map(({ at }) => at)).toContain('disk');
    });
  });

  it('while upstream is away: refused, not served', async () => {
    await start();
    await rig.get(rig.path(ALPHA));
    await change(5);
    rig.upstream.fault('*', { kind: 'reset' });
    expect(await rig.refused(rig.path(ALPHA))).toMatch(/^503 /);
    rig.heal();
    rig.clock.advance(10);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  });
});

async function filesBelow(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).sort();
}
