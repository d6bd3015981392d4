import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pythonTuf } from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { verbatim } from '../support/verbatim.ts';

// `verbatim client` against a repository that python-tuf made and signed.

const MAKER = fileURLToPath(new URL('make-repository.py', import.meta.url));
const run = promisify(execFile);
const bin = await pythonTuf();

describe.runIf(requirePart('python-tuf', bin))('verbatim client before a repository that python-tuf made', () => {
  let made: string;
  const states: ReadonlyMap<string, Uint8Array>[] = [];
  let files: ReadonlyMap<string, Uint8Array>;
  let upstream: TestUpstream;
  let directory: string;
  let root: string;

  beforeAll(async () => {
    made = await mkdtemp(join(tmpdir(), 'verbatim-made-'));
    await run(join(bin ?? '', 'python'), [MAKER, made]);
    for (const state of ['1', '2']) states.push(await filesUnder(join(made, state)));
    root = join(made, '1', 'metadata', '1.root.json');
  });
  afterAll(() => rm(made, { recursive: true, force: true }));

  beforeEach(async () => {
    files = states[0] ?? new Map();
    directory = await mkdtemp(join(tmpdir(), 'verbatim-client-'));
    upstream = await startUpstream({ files: { get: (path) => files.get(path) } });
  });
  afterEach(async () => {
    await upstream.close();
    await rm(directory, { recursive: true, force: true });
  });

  const dir = () => join(directory, 'metadata');
  const targetDir = () => join(directory, 'targets');
  const init = (file = root) => verbatim('client', '--metadata-dir', dir(), 'init', file);
  const refresh = () =>
    verbatim('client', '--metadata-url', `${upstream.url}metadata`, '--metadata-dir', dir(), 'refresh');
  const download = (...names: readonly string[]) =>
    verbatim(
      'client',
      ...names.flatMap((name) => ['--target-name', name]),
      ...['--target-dir', targetDir(), '--target-base-url', `${upstream.url}targets`],
      ...['--metadata-dir', dir(), '--metadata-url', `${upstream.url}metadata`],
      'download',
    );
  const asked = () => upstream.requests.map(({ url }) => url.slice(1));
  const stored = (path: string) => Buffer.from(files.get(path) ?? []);
  /** The published name of a target with one digest, or with two (python-tuf writes sha256 before sha512). */
  const hashed = (name: string) =>
    [...files.keys()].filter((path) => path.endsWith(`.${name}`)).sort((a, b) => a.length - b.length)[0] ?? '';

  /** The metadata directory is exactly these documents, upstream's bytes. */
  async function expectTrusted(documents: Readonly<Record<string, string>>): Promise<void> {
    const names = (await readdir(dir())).filter((name) => name !== '.lock' && name !== 'root_history');
    expect(names.sort()).toEqual(Object.keys(documents).sort());
    for (const [name, path] of Object.entries(documents))
      expect(Buffer.compare(await readFile(join(dir(), name)), stored(path)), name).toBe(0);
  }
  const first = {
    'root.json': 'metadata/1.root.json',
    'timestamp.json': 'metadata/timestamp.json',
    'snapshot.json': 'metadata/1.snapshot.json',
    'targets.json': 'metadata/1.targets.json',
  };

  it('init trusts the root given, and asks nobody', async () => {
    expect((await init()).code).toBe(0);
    await expectTrusted({ 'root.json': 'metadata/1.root.json' });
    expect(asked()).toEqual([]);
  });

  it('init refuses a root whose signatures do not hold, and keeps nothing of it', async () => {
    const forged = join(directory, 'forged.json');
    await writeFile(forged, stored('metadata/1.root.json').toString().replace('"threshold":2', '"threshold":3'));
    expect((await init(forged)).code).toBe(1);
    expect(await readdir(dir()).catch(() => [])).toEqual([]);
  });

  it('refresh and download ask nothing before there is a root', async () => {
    expect((await refresh()).code).toBe(1);
    expect((await download('top.txt')).code).toBe(1);
    expect(asked()).toEqual([]);
  });

  it('refresh asks in the order of the workflow, each once, and keeps the bytes under plain role names', async () => {
    await init();
    expect((await refresh()).code).toBe(0);
    expect(asked()).toEqual([
      'metadata/2.root.json',
      'metadata/timestamp.json',
      'metadata/1.snapshot.json',
      'metadata/1.targets.json',
    ]);
    await expectTrusted(first);
  });

  it('download walks the delegations it needs, and what is there already is not fetched again', async () => {
    await init();
    await refresh();
    const before = asked().length;
    expect((await download('team/app.bin', 'pool/a.txt')).code).toBe(0);
    const bins = asked().filter((path) => path.includes('1.pool-bin-'));
    expect(bins).toHaveLength(1);
    expect(asked().slice(before)).toEqual([
      'metadata/2.root.json',
      'metadata/timestamp.json',
      'metadata/1.team.json',
      hashed('app.bin'),
      'metadata/1.pool.json',
      ...bins,
      hashed('a.txt'),
    ]);
    const bin = bins[0] ?? '';
    const delegated = { 'team.json': 'metadata/1.team.json', 'pool.json': 'metadata/1.pool.json' };
    await expectTrusted({ ...first, ...delegated, [bin.replace('metadata/1.', '')]: bin });
    await expectDownloaded({ 'team/app.bin': hashed('app.bin'), 'pool/a.txt': hashed('a.txt') });

    const again = asked().length;
    expect((await download('team/app.bin', 'pool/a.txt')).code).toBe(0);
    expect(asked().slice(again)).toEqual(['metadata/2.root.json', 'metadata/timestamp.json']);
  });

  it('follows a root rotation and keeps only the newest', async () => {
    await init();
    await download('team/app.bin');
    files = states[1] ?? new Map();
    const before = asked().length;
    expect((await download('team/new.bin')).code).toBe(0);
    expect(asked().slice(before)).toEqual([
      'metadata/2.root.json',
      'metadata/3.root.json',
      'metadata/timestamp.json',
      'metadata/2.snapshot.json',
      // The targets held still carry enough signatures under the new root, so they are not asked for again.
      'metadata/2.team.json',
      hashed('new.bin'),
    ]);
    await expectTrusted({
      'root.json': 'metadata/2.root.json',
      'timestamp.json': 'metadata/timestamp.json',
      'snapshot.json': 'metadata/2.snapshot.json',
      'targets.json': 'metadata/1.targets.json',
      'team.json': 'metadata/2.team.json',
    });
  });

  it('a replayed timestamp is refused and what was trusted stays', async () => {
    await init();
    files = states[1] ?? new Map();
    await refresh();
    const newest = files;
    files = new Map([...newest, ['metadata/timestamp.json', stateFile(0, 'metadata/timestamp.json')]]);
    expect((await refresh()).code).toBe(1);
    files = newest;
    await expectTrusted({ ...first, 'root.json': 'metadata/2.root.json', 'snapshot.json': 'metadata/2.snapshot.json' });
  });

  it('a target that nobody lists is an error, and so is one with other bytes; neither leaves a file', async () => {
    await init();
    expect((await download('team/nothing')).code).toBe(1);
    upstream.fault(`/${hashed('app.bin')}`, { kind: 'flip', at: 7 });
    expect((await download('team/app.bin')).code).toBe(1);
    expect(await readdir(targetDir()).catch(() => [])).toEqual([]);
  });

  it('a target that changed on disk is fetched again', async () => {
    await init();
    await download('team/app.bin');
    const [name = ''] = await readdir(targetDir());
    await writeFile(join(targetDir(), name), 'other');
    expect((await download('team/app.bin')).code).toBe(0);
    await expectDownloaded({ 'team/app.bin': hashed('app.bin') });
  });

  it('a document that is missing upstream is asked for once', async () => {
    await init();
    files = new Map([...files].filter(([path]) => path !== 'metadata/1.snapshot.json'));
    expect((await refresh()).code).toBe(1);
    expect(asked()).toEqual(['metadata/2.root.json', 'metadata/timestamp.json', 'metadata/1.snapshot.json']);
  });

  async function expectDownloaded(targets: Readonly<Record<string, string>>): Promise<void> {
    const names = (await readdir(targetDir())).sort();
    expect(names.map(decodeURIComponent)).toEqual(Object.keys(targets).sort());
    for (const name of names) {
      const path = targets[decodeURIComponent(name)] ?? '';
      expect(Buffer.compare(await readFile(join(targetDir(), name)), stored(path)), name).toBe(0);
    }
  }

  function stateFile(state: number, path: string): Uint8Array {
    return states[state]?.get(path) ?? new Uint8Array();
  }
});

async function filesUnder(directory: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const found = new Map<string, Uint8Array>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path.slice(directory.length + 1), await readFile(path));
  }
  return found;
}
