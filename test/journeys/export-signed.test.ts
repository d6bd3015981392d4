import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chunksOf, partOf, readHead, readMember } from '../../src/bundle/format/archive.ts';
import { readManifest } from '../../src/bundle/format/manifest-reader.ts';
import type { Entry, Header } from '../../src/bundle/format/model.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { instantText } from '../../src/bytes/instant.ts';
import { NOW } from '../rigs/mirror.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { bytesOf } from '../support/bundles.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim } from '../support/verbatim.ts';

// A signed index as a bundle: all that proves it, byte for byte.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('beta');

let rig: SignedRig;
let room: string;
let time = NOW;
beforeEach(async () => {
  room = await mkdtemp(join(tmpdir(), 'verbatim-export-signed-'));
  rig = await startSignedRig({
    fill(signed) {
      for (const wheel of [ALPHA, BETA]) signed.upload(wheel.project, wheel);
    },
  });
  await writeFile(join(room, 'root.json'), rig.published('metadata/1.root.json'));
  for (const wheel of [ALPHA, BETA]) {
    await rig.page(wheel.project);
    await rig.get(rig.path(wheel));
  }
  time = rig.clock.now();
});
afterEach(async () => {
  await rig.close();
  await rm(room, { recursive: true });
});

interface Read {
  readonly header: Header;
  readonly entries: readonly Entry[];
  readonly contents: ReadonlyMap<Entry, Buffer>;
}

/** Of the data directory while the mirror runs on it. */
async function exported(...words: readonly string[]): Promise<Read> {
  const place = ['--data', rig.data(), '--upstream', rig.upstream.url, '--root', join(room, 'root.json')];
  const as = ['--layout', 'pep458', '--reference-time', instantText(time)];
  const { code, stdout, stderr } = await verbatim('export', room, ...words, ...place, ...as, '--json');
  expect([code, stderr]).toEqual([0, '']);
  const bundle = bytesOf(await readFile(join(JSON.parse(stdout).path, 'bundle.tar')));
  const head = await readHead(bundle);
  const body = partOf(bundle, head.end);
  const contents = new Map<Entry, Buffer>();
  const entries: Entry[] = [];
  const reading = readManifest(chunksOf(bundle, head.manifest.position, head.manifest.size));
  for (;;) {
    const { value, done } = await reading.next();
    if (done === true) return { header: value.header, entries, contents };
    if (value.line !== 'entry') continue;
    entries.push(value.entry);
    if (value.member === undefined) continue;
    const parts: Buffer[] = [];
    for await (const chunk of readMember(body, value.entry, value.member)) parts.push(Buffer.from(chunk));
    contents.set(value.entry, Buffer.concat(parts));
  }
}

const named = ({ kind, project, name, version }: Entry) =>
  [kind, project, name, version].filter((part) => part !== undefined).join(' ');

it('carries the roots, one generation, its delegated roles, and the pages and files that they prove', async () => {
  const { header, contents, entries } = await exported();
  expect(header.index).toEqual({
    name: 'main',
    evidence: 'tuf',
    rootSha256: sha256Hex(rig.published('metadata/1.root.json')),
    upstream: rig.upstream.url,
  });
  expect(header.stateAt).toBe(instantText(time));
  const kinds = entries.map(({ kind }) => kind);
  expect(kinds.slice(0, 5)).toEqual(['report', 'sbom', 'root', 'timestamp', 'snapshot']);
  expect(kinds.filter((kind) => kind === 'targets').length).toBeGreaterThan(2);
  expect(entries.filter(({ project }) => project !== undefined).map(named)).toEqual([
    'page alpha',
    `file alpha ${ALPHA.filename}`,
    'page beta',
    `file beta ${BETA.filename}`,
  ]);
  for (const [entry, bytes] of contents) {
    const { kind, name, version } = entry;
    if (kind === 'root' || kind === 'snapshot')
      expect(bytes).toEqual(Buffer.from(rig.published(`metadata/${version}.${kind}.json`)));
    if (kind === 'timestamp') expect(bytes).toEqual(Buffer.from(rig.published('metadata/timestamp.json')));
    if (kind === 'targets') expect(bytes).toEqual(Buffer.from(rig.published(`metadata/${version}.${name}.json`)));
    if (kind === 'page')
      expect(bytes).toEqual(Buffer.from(rig.published(rig.storedPage(entry.project ?? '').slice(1))));
    if (kind === 'file') expect(bytes).toEqual(Buffer.from(entry.project === 'alpha' ? ALPHA.bytes : BETA.bytes));
  }
});

it('carries new metadata alone where nothing else is new, and leaves out what the far side says it has', async () => {
  await exported();
  rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
  await rig.publish();
  await rig.page('alpha');
  await rig.get(rig.path(tinyWheel('alpha', '2.0')));
  time = rig.clock.now();
  const { entries, header } = await exported('--since', 'last');
  expect(header.base?.number).toBe(1);
  const kinds = entries.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['timestamp', 'snapshot', 'targets', 'page', 'file']));
  expect(kinds).not.toContain('root');
  expect(entries.filter(({ kind }) => kind === 'file').map(({ name }) => name)).toEqual([
    tinyWheel('alpha', '2.0').filename,
  ]);

  const receipt = join(room, 'receipt');
  const place = ['--data', rig.data(), '--upstream', rig.upstream.url, '--root', join(room, 'root.json')];
  const as = ['--layout', 'pep458', '--reference-time', instantText(time)];
  expect((await verbatim('receipt', receipt, ...place, ...as)).code).toBe(0);
  const received = await exported('--receipt', receipt);
  expect(received.header.base).toBeUndefined();
  const files = received.entries.filter(({ kind }) => kind === 'file' || kind === 'page');
  expect(files.map(({ bytes }) => bytes)).toEqual(files.map(() => 'held'));
  await writeFile(receipt, `${await readFile(receipt, 'utf8')}ab`);
  const cut = await verbatim('export', room, '--receipt', receipt, ...place, ...as);
  expect([cut.code, cut.stderr]).toEqual([1, expect.stringContaining('cut or damaged')]);
});
