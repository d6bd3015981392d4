import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClock } from '../support/clock.ts';
import { createSimulator } from '../support/simulator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

// Target names that a URL writes otherwise, and names that look like such writing, behind servers that decode paths and
// servers that compare them as they come.

const NAMES = [
  'a%41.txt',
  'dir/100%.txt',
  'dir/a%2Bb c.txt',
  'x%20y.txt',
  'a+b.txt',
  'a b.txt',
  'é/ü!.txt',
  'q?#.txt',
  'bin%.%25.txt',
];

/** As python-tuf and urllib3 ask: escapes that are there stay, what no URL carries is escaped. */
const AS_CLIENTS_SEND: Readonly<Record<string, string>> = {
  'a%41.txt': 'a%41.txt',
  'dir/100%.txt': 'dir/100%25.txt',
  'dir/a%2Bb c.txt': 'dir/a%2Bb%20c.txt',
  'x%20y.txt': 'x%20y.txt',
  'a+b.txt': 'a+b.txt',
  'a b.txt': 'a%20b.txt',
  'é/ü!.txt': '%C3%A9/%C3%BC!.txt',
};

const bytesOf = (name: string) => Buffer.from(`the bytes of ${name}`);
const urlOf = (name: string) => encodeURI(name).replaceAll('?', '%3F').replaceAll('#', '%23');

const simulator = createSimulator({
  clock: createClock(Math.floor(Date.now() / 1000)),
  fill: (r) => {
    for (const name of NAMES) r.addTarget('targets', name, bytesOf(name));
  },
});

const hashed = (path: string, name: string) => {
  const [hash] = simulator.repository.role('targets').targets.get(name)?.hashes.values() ?? [];
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${hash}.${path.slice(slash)}`;
};

/** What each kind of server has under a path as it comes, without its leading slash. */
const servers: Readonly<Record<string, (path: string) => Uint8Array | undefined>> = {
  'decodes paths': (path) => simulator.repository.files.get(decodeURIComponent(path)),
  'compares paths as they come, with those that clients send': (path) => {
    const name = Object.keys(AS_CLIENTS_SEND).find(
      (each) => path === `targets/${hashed(AS_CLIENTS_SEND[each] ?? '', each)}`,
    );
    return name === undefined ? simulator.repository.files.get(path) : bytesOf(name);
  },
};

describe.each(Object.entries(servers))('an upstream that %s', (how, read) => {
  let upstream: TestUpstream;
  let mirror: RunningVerbatim;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'verbatim-odd-'));
    const root = join(directory, 'root.json');
    await writeFile(root, simulator.rootBytes(1));
    upstream = await startUpstream({
      handler(request, response) {
        const bytes = read((request.url ?? '').slice(1));
        if (bytes === undefined) response.writeHead(404).end();
        else response.end(bytes);
      },
    });
    mirror = await startVerbatim(['--upstream', upstream.url, '--root', root, '--layout', 'plain']);
  });
  afterAll(async () => {
    await mirror.close();
    await upstream.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** The path as it is given: fetch would change it. */
  const get = (path: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const { hostname, port } = new URL(mirror.simple);
      ask({ hostname, port, path: `/tuf/targets/${path}`, agent: false }, (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          body += part;
        });
        answer.on('end', () => resolve({ status: answer.statusCode, body }));
      })
        .on('error', reject)
        .end();
    });
  const served = NAMES.filter((name) => how === 'decodes paths' || name in AS_CLIENTS_SEND);

  it.each(served)('%s, escaped as a URL is', async (name) => {
    const right = { status: 200, body: bytesOf(name).toString() };
    expect(await get(urlOf(name))).toEqual(right);
    expect(await get(hashed(urlOf(name), name))).toEqual(right);
  });

  it.each(served.filter((name) => name in AS_CLIENTS_SEND))('%s, as TUF clients send it', async (name) => {
    const sent = AS_CLIENTS_SEND[name] ?? '';
    const right = { status: 200, body: bytesOf(name).toString() };
    expect(await get(sent)).toEqual(right);
    expect(await get(hashed(sent, name))).toEqual(right);
  });

  it('a name that nobody lists is none, however it is spelled', async () => {
    for (const path of ['a%42.txt', 'a%2541%2541.txt', 'x%20z.txt']) expect((await get(path)).status).toBe(404);
  });
});
