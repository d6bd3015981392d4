import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { type Mirror, makeScratch, startMirror } from '../rigs/mirror.ts';
import { createClock } from './clock.ts';
import {
  archiveOf,
  FILE_HOST,
  FILES,
  indexesOf,
  type KindOfDirectory,
  placesIn,
  SEAL_KEY,
  WRITTEN_FROM,
  writeConfig,
} from './data-directories.ts';
import { type FakePypi, startFakePypi } from './fake-pypi.ts';
import { authority } from './keys.ts';
import { startNamesProxy } from './names-proxy.ts';
import { pep458Paths } from './pep458-paths.ts';
import type { TinyWheel } from './tiny-wheel.ts';
import { startUpstream } from './upstream.ts';
import { startVerbatim, verbatim } from './verbatim.ts';

// node test/support/make-data-directories.ts: writes test/data/layout-N/*.tar.gz with the program as it is now, N being
// the layout it writes. Archives that are there already stay: they are what an earlier program wrote.

/** Signatures hold until then, whenever the archives are read. */
const FAR_AHEAD = Date.UTC(2125, 0, 1) / 1000;

const { alphaOne, alphaTwo, beta, claimed, gone } = FILES;

/** An index as PEP 480 signs it: bins, a claimed project, and a second root that exchanged the timestamp's key. */
async function startSigned() {
  const signed = new SignedIndex({
    keys: {
      root: authority(['root 1', 'root 2']),
      targets: authority(['targets 1', 'targets 2']),
      bins: authority(['bins']),
      online: authority(['online']),
    },
    now: () => FAR_AHEAD,
    binBits: 2,
    claims: true,
    pageFormat: 'json',
  });
  for (const file of [alphaOne, beta, claimed]) signed.upload(file.project, file);
  signed.claim(claimed.project, authority(['developer']));
  signed.publish();
  const { repository } = signed;
  const upstream = await startUpstream({ files: pep458Paths(repository.files) });
  return { signed, repository, upstream, root: repository.files.get('metadata/1.root.json') ?? new Uint8Array() };
}

/** An index that signs nothing. Its pages name the file host as the mirror will know it. */
async function startUnsigned(): Promise<FakePypi> {
  const pypi = await startFakePypi();
  for (const file of [alphaOne, alphaTwo, beta, gone]) upload(pypi, file);
  return pypi;
}

function upload(pypi: FakePypi, file: TinyWheel): void {
  pypi.upload(file.project, file, { url: `http://${FILE_HOST}${pypi.storedAt(file)}` });
}

type Signed = Awaited<ReturnType<typeof startSigned>>;

/** Roots, generations, delegated roles, pins, an audited new beginning, and a timestamp whose refresh came to nothing. */
async function liveSigned(mirror: Mirror, { signed, repository, upstream }: Signed): Promise<void> {
  await mirror.page(alphaOne.project);
  await mirror.restart('a rehearsal: begin again from the pinned root');
  for (const { project } of [alphaOne, beta, claimed]) await mirror.page(project);
  for (const file of [alphaOne, claimed]) await mustGet(mirror, `/${signed.filePath(file)}`);
  repository.rotate('timestamp', authority(['another timestamp']));
  signed.upload(alphaTwo.project, alphaTwo);
  signed.publish();
  mirror.clock.advance(60);
  await mirror.refresh();
  await mirror.page(alphaTwo.project);
  await mustGet(mirror, `/${signed.filePath(alphaTwo)}`);
  // What it announces never comes, so that it is a floor and nothing else.
  signed.upload('later', { ...beta, filename: 'later-1.0-py3-none-any.whl' });
  signed.publish();
  upstream.fault(`/metadata/${repository.snapshot.version}.snapshot.json`, { kind: 'status', status: 404 });
  mirror.clock.advance(60);
  await mirror.refresh();
}

/** Pages seen once and seen twice, pins of both kinds, a loss, a project that is gone. */
async function liveUnsigned(mirror: Mirror, pypi: FakePypi, index: string): Promise<void> {
  const get = (project: string) => mustGet(mirror, `/${index}/simple/${project}/`);
  const later = async (project: string) => {
    mirror.clock.advance(2 * 3600);
    return get(project);
  };
  for (const { project } of [alphaOne, beta, gone]) await get(project);
  for (const file of [alphaOne, gone]) await mustGet(mirror, `/${index}${pypi.storedAt(file)}`);
  await later(alphaOne.project);
  // Confirmed by its validator, then whole: its serial is a floor from now on, also when it is gone.
  await later(gone.project);
  await later(gone.project);
  mirror.clock.advance(2 * 3600);
  // Two looks on new connections, as its losses want.
  pypi.edit(alphaTwo.project, alphaTwo.filename, { yanked: 'it does not work' });
  await get(alphaOne.project);
  await later(alphaOne.project);
  pypi.removeProject(gone.project);
  mirror.clock.advance(2 * 3600);
  await mirror.get(`/${index}/simple/${gone.project}/`);
  // Still within what stands in for an upstream that is away.
  await later(alphaOne.project);
  await get(beta.project);
}

async function mustGet(mirror: Mirror, path: string): Promise<Buffer> {
  const { status, body } = await mirror.get(path);
  if (status !== 200) throw new Error(`${path} answers ${status}: ${body}`);
  return body;
}

/** One byte of a stored file turned, so that the next reader sets it aside. */
async function damage(data: string, { bytes }: TinyWheel): Promise<void> {
  const name = sha256Hex(bytes);
  const stored = (await readdir(data, { recursive: true, withFileTypes: true })).find(
    (entry) => entry.isFile() && join(entry.parentPath, entry.name).replaceAll('/', '').endsWith(name),
  );
  if (stored === undefined) return;
  const file = await open(join(stored.parentPath, stored.name), 'r+');
  try {
    await file.write(Buffer.from([(bytes[9] ?? 0) ^ 1]), 0, 1, 9);
  } finally {
    await file.close();
  }
}

async function make(kind: KindOfDirectory): Promise<void> {
  const scratch = await makeScratch();
  const place = placesIn(scratch, kind);
  const signed = await startSigned();
  const pypi = await startUnsigned();
  const proxy = await startNamesProxy(
    new Map([
      ['signed.index.test', signed.upstream.port],
      ['plain.index.test', pypi.index.port],
      [FILE_HOST, pypi.files.port],
    ]),
  );
  await writeFile(place.root, signed.root);
  if (place.seal !== undefined) await writeFile(place.seal.key, `${SEAL_KEY}\n`);
  const clock = createClock(WRITTEN_FROM);
  const indexes = () => indexesOf(kind, place.root, proxy.url);
  const mirror = await startMirror({ scratch, data: place.data, seal: place.seal, indexes, clock });
  if (kind !== 'unsigned') await liveSigned(mirror, signed);
  if (kind !== 'signed') await liveUnsigned(mirror, pypi, kind === 'sealed' ? 'plain' : 'main');
  await mirror.stop();

  // The real program, for what its commands and its listener alone write: audit, journal, access record.
  const config = join(scratch, 'verbatim.yaml');
  await writeConfig(kind, place, proxy.url, config);
  const at = ['--config', config, '--reference-time', new Date(clock.now() * 1000).toISOString().replace('.000', '')];
  if (kind !== 'signed') {
    const index = kind === 'sealed' ? 'plain' : 'main';
    const file = [alphaTwo.project, alphaTwo.filename, '--unyanked'];
    const { code, stderr } = await verbatim('accept-change', index, ...file, '--reason', 'ticket 7', ...at);
    if (code !== 0) throw new Error(stderr);
  }
  await damage(place.data, alphaOne);
  const server = await startVerbatim(at, place.data);
  const path = kind === 'signed' ? signed.signed.filePath(alphaOne) : pypi.storedAt(alphaOne).slice(1);
  const sent = await fetch(new URL(`../${path}`, server.simple));
  if (sent.status !== 200) throw new Error(`${path} answers ${sent.status}: ${await sent.text()}`);
  await sent.arrayBuffer();
  await server.close();

  const layout = Number(/\d+/.exec(await readFile(join(place.data, 'VERSION'), 'utf8'))?.[0]);
  const archive = archiveOf(layout, kind);
  if (existsSync(archive)) console.log(`${archive} stays as it is`);
  else {
    await mkdir(dirname(archive), { recursive: true });
    pack(scratch, ['data', 'root.json', ...(place.seal === undefined ? [] : ['seal.key', 'epoch'])], archive);
    console.log(archive);
  }
  await Promise.all([mirror.close(), signed.upstream.close(), pypi.close(), proxy.close()]);
}

function pack(directory: string, names: readonly string[], archive: string): void {
  const same = ['--sort=name', '--format=ustar', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
  const tar = execFileSync('tar', [...same, '-C', directory, '-cf', '-', ...names], { maxBuffer: 2 ** 28 });
  execFileSync('sh', ['-c', 'gzip -9n > "$0"', archive], { input: tar });
}

for (const kind of ['signed', 'unsigned', 'sealed'] as const) await make(kind);
