import { createHash } from 'node:crypto';
import { mkdtemp, open, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { headMember, MANIFEST_NAME, SEAL_NAME } from '../../../src/bundle/format/archive.ts';
import { encodeEntry, encodeHeader, encodePiece } from '../../../src/bundle/format/manifest-lines.ts';
import { MemberPlaces } from '../../../src/bundle/format/members.ts';
import type { Entry } from '../../../src/bundle/format/model.ts';
import { seal } from '../../../src/bundle/format/seal.ts';
import { TAR_END } from '../../../src/bundle/format/tar.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { instantText } from '../../../src/bytes/instant.ts';
import { HEADER } from '../../support/bundles.ts';
import { DAY } from '../../support/clock.ts';
import { signingKey } from '../../support/sender.ts';
import { startCommand } from '../../support/verbatim.ts';

// What an import takes of memory does not grow with what it brings.

const MIB = 1024 * 1024;
const FILE_BYTES = 64 * MIB;
const FILES = 32;
/** Beyond what a process has that imports next to nothing. */
const MOST_MORE = 150 * MIB;

/** A file whose every byte is zero but for its number in front: on disk it is one block. */
function contentOf(file: number, size: number): { readonly first: Buffer; readonly sha256: string } {
  const first = Buffer.alloc(8);
  first.writeUInt32LE(file + 1);
  const hash = createHash('sha256').update(first);
  const zeros = Buffer.alloc(MIB);
  for (let left = size - first.length; left > 0; left -= MIB) hash.update(zeros.subarray(0, Math.min(MIB, left)));
  return { first, sha256: hash.digest('hex') };
}

const nameOf = (file: number) => `demo-${file + 1}.0-py3-none-any.whl`;

/** A bundle of one project, in a sparse file. */
async function sparseBundle(path: string, key: Awaited<ReturnType<typeof signingKey>>, files: number, size: number) {
  const contents = Array.from({ length: files }, (_, file) => ({ name: nameOf(file), ...contentOf(file, size) }));
  contents.sort((a, b) => (a.name < b.name ? -1 : 1));
  const page = Buffer.from(
    JSON.stringify({
      meta: { 'api-version': '1.1' },
      name: 'demo',
      versions: [],
      files: contents.map(({ name, sha256 }) => ({ filename: name, url: name, hashes: { sha256 }, size })),
    }),
  );
  const url = 'https://index.example/simple/demo/';
  const type = 'application/vnd.pypi.simple.v1+json';
  const entries: readonly Entry[] = [
    { kind: 'page', project: 'demo', url, type, size: page.length, sha256: sha256Hex(page), bytes: 'here' },
    ...contents.map(
      ({ name, sha256 }): Entry => ({ kind: 'file', project: 'demo', name, size, sha256, bytes: 'here' }),
    ),
  ];
  const places = new MemberPlaces();
  const members = entries.map((entry) => places.add(entry));
  // The body is zeros but for headers and the first bytes of each content.
  const written = members.map((member, at) => ({
    position: member.position,
    header: Buffer.from(member.header),
    bytes: at === 0 ? page : (contents[at - 1]?.first ?? page),
  }));
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(MIB);
  let done = 0;
  const upTo = (end: number) => {
    for (; done < end; done += Math.min(MIB, end - done)) hash.update(zeros.subarray(0, Math.min(MIB, end - done)));
  };
  for (const { position, header, bytes } of written) {
    upTo(position - header.length);
    hash.update(header).update(bytes);
    done = position + bytes.length;
  }
  upTo(places.body);
  expect(TAR_END.byteLength).toBeLessThan(places.body);
  const time = instantText(Math.floor(Date.now() / 1000) - DAY);
  const manifest = Buffer.concat([
    encodeHeader({
      ...HEADER,
      stateAt: time,
      referenceTime: time,
      totals: {
        entries: entries.length,
        members: places.count,
        content: entries.reduce((sum, entry) => sum + entry.size, 0),
        body: places.body,
        changes: 0,
        pieces: 1,
      },
    }),
    ...entries.map(encodeEntry),
    encodePiece({ piece: 1, size: places.body, sha256: hash.digest('hex') }),
  ]);
  const sealed = { index: 'main', number: 1, manifest: { sha256: sha256Hex(manifest), size: manifest.length } };
  const signature = seal(sealed, [key]);
  const [inFront, behind] = [headMember(MANIFEST_NAME, manifest.length), headMember(SEAL_NAME, signature.length)];
  const head = Buffer.concat([inFront.header, manifest, inFront.filling, behind.header, signature, behind.filling]);
  const file = await open(path, 'wx');
  try {
    await file.write(head, 0, head.length, 0);
    for (const { position, header, bytes } of written) {
      await file.write(header, 0, header.length, head.length + position - header.length);
      await file.write(bytes, 0, bytes.length, head.length + position);
    }
    await file.truncate(head.length + places.body);
  } finally {
    await file.close();
  }
}

/** The most memory that `verbatim import` ever had. Bytes. */
async function peakOf(bundle: string, config: string): Promise<number> {
  const { pid, ended } = startCommand(['import', bundle, '--config', config, '--json']);
  let peak = 0;
  let isOver = false;
  const over = ended.then((end) => {
    isOver = true;
    return end;
  });
  while (!isOver) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { code, stdout, stderr } = await over;
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ number: 1, heldBack: [] });
  return peak;
}

/** In memory where there is room. */
async function roomy(): Promise<string> {
  const shared = await statfs('/dev/shm').catch(() => undefined);
  const isLarge = shared !== undefined && shared.bavail * shared.bsize > 3 * FILES * FILE_BYTES;
  return mkdtemp(join(isLarge ? '/dev/shm' : tmpdir(), 'verbatim-memory-'));
}

it('an import of two gigabytes takes as little memory as a small one', async () => {
  const scratch = await roomy();
  onTestFinished(() => rm(scratch, { recursive: true }));
  const key = await signingKey();
  const peaks: number[] = [];
  for (const [name, files, size] of [
    ['small', 1, 1024],
    ['large', FILES, FILE_BYTES],
  ] as const) {
    const config = join(scratch, `${name}.yaml`);
    await writeFile(
      config,
      `data: ${join(scratch, name)}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519: ${key.public} }]\n`,
    );
    const bundle = join(scratch, `${name}.tar`);
    await sparseBundle(bundle, key, files, size);
    peaks.push(await peakOf(bundle, config));
  }
  const [small = 0, large = 0] = peaks;
  expect(small).toBeGreaterThan(10 * MIB);
  expect(large - small).toBeLessThan(MOST_MORE);
}, 240_000);
