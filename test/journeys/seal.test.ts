import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { pathText } from '../../src/disk/state/item-path.ts';
import { StateSeal } from '../../src/disk/state/state-seal.ts';
import { compress, decompress } from '../../src/state/compressed.ts';
import { ask } from '../support/ask.ts';
import { behindItsBack, damageItem, sqlPath } from '../support/state.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// What nobody signed carries a seal: whoever writes to the disk without its key can take state away, but neither forge it nor
// put it back unseen.

const SDIST = Buffer.from('the bytes first seen');
const FORGED = Buffer.from('bytes of an attacker');

const pageOf = (url: string, project: string, bytes: Uint8Array) =>
  Buffer.from(
    JSON.stringify({
      meta: { 'api-version': '1.1' },
      name: project,
      versions: ['1.0'],
      files: [
        {
          filename: `${project}-1.0.tar.gz`,
          url: `${url}f/${project}-1.0.tar.gz`,
          hashes: { sha256: sha256Hex(bytes) },
          size: bytes.length,
        },
      ],
    }),
  );

let directory: string;
let data: string;
let upstream: TestUpstream;
let bytes: Buffer;
let mirror: RunningVerbatim | undefined;

beforeEach(async () => {
  bytes = SDIST;
  directory = await mkdtemp(join(tmpdir(), 'verbatim-seal-'));
  data = join(directory, 'data');
  await writeFile(join(directory, 'seal.key'), 'a secret of more than sixteen bytes\n');
  upstream = await startUpstream({
    handler: (incoming, outgoing) => {
      const project = /^\/simple\/(demo|other)\/$/.exec(incoming.url ?? '')?.[1];
      const body = project === undefined ? bytes : pageOf(upstream.url, project, bytes);
      if (project === undefined && !incoming.url?.startsWith('/f/')) return void outgoing.writeHead(404).end();
      const type = project === undefined ? 'application/octet-stream' : 'application/vnd.pypi.simple.v1+json';
      outgoing.writeHead(200, { 'content-type': type, 'content-length': body.length }).end(body);
    },
  });
});
afterEach(async () => {
  await mirror?.close();
  mirror = undefined;
  await upstream.close();
  await rm(directory, { recursive: true });
});

const sealed = () => ['--seal-key-file', join(directory, 'seal.key'), '--seal-epoch-file', join(directory, 'epoch')];
const start = async (flags = sealed()) => {
  mirror = await startVerbatim(['--upstream', `${upstream.url}simple/`, '--max-age', '0', ...flags], data);
};
const stop = async () => {
  await mirror?.close();
  mirror = undefined;
};
const get = (project: string) =>
  ask(mirror?.simple ?? '', `/simple/${project}/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
const reasonOf = async (project: string) => JSON.parse((await get(project)).body.toString()).reason;

/** What the mirror sends under the file's name, whatever upstream has by now. */
async function served(project: string): Promise<string> {
  const page = JSON.parse((await get(project)).body.toString());
  const url = new URL(page.files[0].url, `${mirror?.simple}${project}/`);
  return (await ask(url.href, url.pathname)).body.toString();
}
/** The row of a project's pins, as somebody would write it who has this program and the disk, but not the key. */
async function forge(project: string, change: (stored: string) => string): Promise<void> {
  const path = sqlPath('pins', project);
  const [row] = JSON.parse(
    await behindItsBack(data, `SELECT version, hex(value) AS value FROM item WHERE path = ${path}`),
  );
  const stored = (await decompress(Buffer.from(row.value, 'hex'), 1_000_000)) ?? [];
  const value = await compress(Buffer.from(change(Buffer.from(stored).toString())));
  const digest = new StateSeal('main', undefined).digest(pathText(['pins', project]), row.version, value);
  const hex = (bytes: Uint8Array) => `x'${Buffer.from(bytes).toString('hex')}'`;
  await behindItsBack(data, `UPDATE item SET value = ${hex(value)}, digest = ${hex(digest)} WHERE path = ${path}`);
}
const accept = (...flags: readonly string[]) =>
  verbatim('accept-state-loss', 'main', '--reason', 'a rehearsal', '--data', data, ...sealed(), ...flags);

describe('a sealed data directory', () => {
  it('serves what it remembers after a restart, and says that it is sealed', async () => {
    await start();
    expect(await served('demo')).toBe(SDIST.toString());
    await stop();
    await start();
    expect(await served('demo')).toBe(SDIST.toString());
    await stop();
    const { stdout } = await verbatim('status', '--json', '--data', data, '--upstream', upstream.url, ...sealed());
    expect(JSON.parse(stdout).indexes[0].sealed).toBe(true);
    expect(JSON.parse(stdout).store.byIndex).toEqual({ main: SDIST.byteLength });
    const text = await verbatim('status', '--data', data, '--upstream', upstream.url, ...sealed());
    expect(text.stdout).toContain('  files held: 0.0 MB\n');
    const disk: readonly { part: string; index: string; bytes: number }[] = JSON.parse(stdout).disk;
    expect(disk.map(({ part, index }) => `${part} ${index}`)).toEqual([
      'state main',
      'records ',
      'drawn ',
      'quarantine ',
      'exports ',
      'use ',
    ]);
    expect(disk[0]?.bytes).toBeGreaterThan(1000);
    expect(text.stdout).toMatch(
      / {2}kept on disk: \d+\.\d MB of 16000\.0 MB, 3 entries\n {4}pages: 0\.0 MB, 1 entry\n/,
    );
    expect(text.stdout).toMatch(/\njournal: 0\.0 MB of 134\.2 MB, \d+ entr/);
    expect(text.stdout).toMatch(/\non disk in all: \d+\.\d MB\n/);
    expect(JSON.parse(stdout).kept).toContainEqual(
      expect.objectContaining({ kind: 'pins', index: 'main', entries: 1 }),
    );
  });

  it('does not start on a pin that somebody forged, until an operator gives it up', async () => {
    await start();
    expect(await served('demo')).toBe(SDIST.toString());
    await get('other');
    await stop();
    await forge('demo', (stored) => stored.replaceAll(sha256Hex(SDIST), sha256Hex(FORGED)));
    await expect(start()).rejects.toThrow('seal');
    expect(await accept()).toMatchObject({ code: 0, stdout: expect.stringContaining('set aside: pins/demo') });
    bytes = FORGED;
    await start();
    // What is whole goes on: here its page, which lists the file as it was, and is seen twice before anything else is believed.
    expect((await get('demo')).status).toBe(200);
    bytes = SDIST;
    expect(await served('other')).toBe(SDIST.toString());
  });

  it('refuses a pin of which a bit has turned, and serves what is whole', async () => {
    await start();
    await served('demo');
    await get('other');
    await stop();
    await damageItem(data, ['main', 'pins', 'demo']);
    await start();
    expect(await reasonOf('demo')).toBe('state');
    expect((await get('other')).status).toBe(200);
    // Given up beside the server, which then goes on by itself.
    expect(await accept()).toMatchObject({ code: 0, stdout: expect.stringContaining('set aside: pins/demo') });
    await expect.poll(async () => (await get('demo')).status).toBe(200);
    expect((await get('other')).status).toBe(200);
  });

  it('does not take a pin that was removed for one that never was', async () => {
    await start();
    await served('demo');
    await stop();
    await behindItsBack(data, `DELETE FROM item WHERE path = ${sqlPath('pins', 'demo')}`);
    bytes = FORGED;
    await expect(start()).rejects.toThrow('not all there');
    expect((await accept()).code).toBe(0);
    await start();
    expect((await get('demo')).status).toBe(200);
  });

  it('that is put back as a whole does not start, until an operator says so', async () => {
    await start();
    await served('demo');
    await stop();
    await cp(data, join(directory, 'before'), { recursive: true });
    await start();
    await get('other');
    await stop();
    await rm(data, { recursive: true });
    await rename(join(directory, 'before'), data);
    await expect(start()).rejects.toThrow();
    expect((await accept()).code).toBe(0);
    await start();
    expect(await served('demo')).toBe(SDIST.toString());
  });

  it('begins as one only by an audited word where there was state before', async () => {
    await start([]);
    await served('demo');
    await stop();
    await expect(start()).rejects.toThrow();
    expect((await accept('--adopt')).code).toBe(0);
    await start();
    expect(await served('demo')).toBe(SDIST.toString());
    await stop();
    await expect(start([])).rejects.toThrow();
  });
});
