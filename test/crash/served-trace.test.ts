import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { ask } from '../support/ask.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';
import { type Call, callsIn, canTrace, isSync } from './system-calls.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const CALLS = 'trace=read,write,writev,pwrite64,fsync,fdatasync,getdents64,rename,renameat,renameat2';
const ALPHA = tinyWheel('alpha');

/** Where a mirror's upstream is, and what else it is told of it. */
interface Traced {
  readonly directory: string;
  readonly index: readonly string[];
}

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-trace-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function signedUpstream() {
  const directory = await scratch();
  const signed = new SignedIndex({
    keys: KEYS,
    binBits: 2,
    pageFormat: 'json',
    now: () => Math.floor(Date.now() / 1000),
  });
  signed.upload('alpha', ALPHA);
  signed.publish();
  const files = pep458Paths(signed.repository.files);
  const upstream = await startUpstream({ files });
  onTestFinished(upstream.close);
  const root = join(directory, 'root.json');
  await writeFile(root, files.get('metadata/1.root.json') ?? '');
  const index = ['--upstream', upstream.url, '--root', root, '--layout', 'pep458'];
  return { path: signed.filePath(ALPHA), directory, index };
}

async function unsignedUpstream() {
  const pypi = await startFakePypi();
  onTestFinished(pypi.close);
  pypi.upload('alpha', ALPHA);
  const index = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
  return { path: pypi.storedAt(ALPHA), directory: await scratch(), index };
}

/** A mirror whose system calls are written down. */
async function startTraced({ directory, index }: Traced) {
  const trace = join(directory, 'trace');
  const serve = ['serve', '--json', '--port', '0', '--data', join(directory, 'data')];
  const child = spawn(
    'strace',
    ['-D', '-f', '-yy', '-s', '256', '-e', CALLS, '-o', trace, process.execPath, MAIN, ...serve, ...index],
    { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'cache') } },
  );
  const ended = once(child, 'close');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  onTestFinished(stop);
  const [line] = await once(createInterface(child.stdout), 'line');
  const { simple } = JSON.parse(String(line)) as { readonly simple: string };
  return {
    async get(path: string) {
      const { status, body } = await ask(simple, path);
      expect(status, body.toString()).toBe(200);
    },
    async calls(): Promise<readonly Call[]> {
      await stop();
      return callsIn(await readFile(trace, 'utf8'));
    },
  };
}

/** What was done between each request for this path and its answer, in order. */
function answering(calls: readonly Call[], path: string): readonly (readonly Call[])[] {
  const found: (readonly Call[])[] = [];
  for (let at = 0; ; ) {
    const asked = calls.findIndex(
      ({ name, line }, place) => place >= at && name === 'read' && line.includes(`"GET ${path} HTTP/1.1`),
    );
    if (asked === -1) return found;
    const { on = '' } = calls[asked] ?? {};
    const answered = calls.findIndex(
      (call, place) =>
        place > asked && call.on === on && /^write/.test(call.name) && call.line.includes('HTTP/1.1 200'),
    );
    expect(answered).toBeGreaterThan(asked);
    found.push(calls.slice(asked + 1, answered));
    at = answered;
  }
}

const onLog = ({ on }: Call) => on.endsWith('/state.db-wal');

it.runIf(canTrace())(
  'what an answer depends on is on the disk before it leaves, and an answer from the cache waits for no disk',
  async () => {
    const upstream = await signedUpstream();
    const mirror = await startTraced(upstream);
    const timestamp = '/tuf/metadata/timestamp.json';
    await mirror.get(timestamp);
    const [page, file] = ['/simple/alpha/', `/${upstream.path}`];
    for (let round = 0; round < 30; round++) for (const path of [page, file]) await mirror.get(path);
    const calls = await mirror.calls();

    // Everything that was written to the log of the state before the first answer: the root, the floor, what is current.
    const before = calls.slice(
      0,
      calls.indexOf(answering(calls, timestamp)[0]?.at(-1) ?? calls[0] ?? expect.fail()) + 1,
    );
    const written = before.findLastIndex((call) => onLog(call) && call.name === 'pwrite64');
    const synced = before.findLastIndex((call) => onLog(call) && isSync(call) && call.line.endsWith('= 0'));
    expect(written).toBeGreaterThanOrEqual(0);
    expect(synced).toBeGreaterThan(written);

    // Pins are there before the page they were made for.
    const [cold = []] = answering(calls, page);
    const pinned = cold.findLastIndex((call) => onLog(call) && call.name === 'pwrite64');
    expect(pinned).toBeGreaterThanOrEqual(0);
    expect(cold.findLastIndex((call) => onLog(call) && isSync(call))).toBeGreaterThan(pinned);

    // Behind the first answers there is work to be ended; then there is none.
    for (const path of [page, file]) {
      const warm = answering(calls, path).slice(-10).flat();
      expect(warm.filter((call) => isSync(call) || call.name === 'getdents64')).toEqual([]);
    }
  },
  60_000,
);

it.runIf(canTrace())(
  'a page that nobody signed and the pins made from it are one write to the disk, and their file waits for none',
  async () => {
    const upstream = await unsignedUpstream();
    const mirror = await startTraced(upstream);
    const [page, file] = ['/simple/alpha/', upstream.path];
    await mirror.get(page);
    await mirror.get(file);
    const calls = await mirror.calls();
    const [cold = []] = answering(calls, page);
    const [sync, ...more] = cold.filter((call) => onLog(call) && isSync(call));
    expect(sync?.line).toMatch(/= 0$/);
    expect(more).toEqual([]);
    expect(
      answering(calls, file)
        .flat()
        .filter((call) => onLog(call) && isSync(call)),
    ).toEqual([]);
  },
  60_000,
);
