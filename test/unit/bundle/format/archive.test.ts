import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  checkEnd,
  checkPiece,
  chunksOf,
  joined,
  partOf,
  readHead,
  readMember,
} from '../../../../src/bundle/format/archive.ts';
import { makeKey, openKey } from '../../../../src/bundle/format/keys.ts';
import { type ManifestLine, readManifest } from '../../../../src/bundle/format/manifest-reader.ts';
import type { Entry, Piece } from '../../../../src/bundle/format/model.ts';
import { openSeal } from '../../../../src/bundle/format/seal.ts';
import { bytesOf, type Content, type MadeBundle, makeBundle } from '../../../support/bundles.ts';

const WHEEL = Buffer.alloc(3000, 'wheel');
const PAGE = Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'demo', files: [] }).repeat(40));
const CONTENTS: readonly Content[] = [
  { kind: 'report', content: Buffer.from('what is in it\n') },
  { kind: 'page', project: 'demo', url: 'https://index.example/simple/demo/', content: PAGE, coding: 'zstd' },
  { kind: 'file', project: 'demo', name: 'demo-1.tar.gz', content: WHEEL },
  { kind: 'core-metadata', project: 'demo', name: 'demo-1.tar.gz', content: Buffer.alloc(0) },
  { kind: 'file', project: 'demo', name: 'demo-2.tar.gz', content: WHEEL, bytes: 'above' },
  { kind: 'file', project: 'demo', name: 'demo-3.tar.gz', content: Buffer.from('from before'), bytes: 'held' },
];

let bundle: MadeBundle;
let room: string;
beforeAll(async () => {
  bundle = await makeBundle({ contents: CONTENTS, pieceSize: 1000 });
  room = mkdtempSync(join(tmpdir(), 'verbatim-bundle-'));
});
afterAll(() => rmSync(room, { recursive: true }));

async function linesOf(whole: Uint8Array): Promise<readonly ManifestLine[]> {
  const head = await readHead(bytesOf(whole));
  const lines: ManifestLine[] = [];
  const { position, size } = head.manifest;
  for await (const line of readManifest(chunksOf(bytesOf(whole), position, size))) lines.push(line);
  return lines;
}

/** Every content of a bundle, in its order. */
async function contentsOf(whole: Uint8Array): Promise<readonly Buffer[]> {
  const lines = await linesOf(whole);
  const head = await readHead(bytesOf(whole));
  const body = partOf(bytesOf(whole), head.end);
  const contents: Buffer[] = [];
  for (const line of lines) {
    if (line.line === 'header') await checkEnd(body, line.header.totals.body);
    if (line.line !== 'entry' || line.member === undefined) continue;
    const parts: Buffer[] = [];
    for await (const chunk of readMember(body, line.entry, line.member)) parts.push(Buffer.from(chunk));
    contents.push(Buffer.concat(parts));
  }
  return contents;
}

it('what was put in comes out, each content once, in the order of the manifest', async () => {
  const here = CONTENTS.filter(({ bytes = 'here' }) => bytes === 'here').map(({ content }) => Buffer.from(content));
  expect(await contentsOf(bundle.whole)).toEqual(here);
});

it('the tar of the system unpacks a bundle, and its digests are those in the names', () => {
  const file = join(room, 'bundle.tar');
  writeFileSync(file, bundle.whole);
  execFileSync('tar', ['xf', file, '-C', room]);
  expect(readFileSync(join(room, 'manifest.jsonl'))).toEqual(bundle.manifest);
  const names = execFileSync('tar', ['tf', file]).toString().trim().split('\n').slice(1);
  expect(names).toHaveLength(4);
  for (const name of names.filter((each) => !each.endsWith('.zst')))
    expect(
      execFileSync('sha256sum', [join(room, name)])
        .toString()
        .slice(0, 64),
    ).toBe(name.slice(-64));
});

it('a bundle in pieces is the same bundle, and a bit flipped in any piece names that piece', async () => {
  const pieces = (await linesOf(bundle.whole)).flatMap((line): readonly Piece[] =>
    line.line === 'piece' ? [line.piece] : [],
  );
  expect(pieces.length).toBeGreaterThan(3);
  const back = joined(bundle.pieces.map(bytesOf));
  const into = Buffer.alloc(back.size);
  expect(await back.read(into, 0)).toBe(bundle.body.length);
  expect(into).toEqual(bundle.body);
  for (const piece of pieces) {
    const bytes = bundle.pieces[piece.piece - 1] ?? Buffer.alloc(0);
    await checkPiece(bytesOf(bytes), piece);
    const flipped = Buffer.from(bytes);
    flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
    await expect(checkPiece(bytesOf(flipped), piece)).rejects.toMatchObject({
      reason: 'digest',
      message: expect.stringContaining(`Piece ${piece.piece} `),
    });
    await expect(checkPiece(bytesOf(bytes.subarray(1)), piece)).rejects.toMatchObject({ reason: 'length' });
  }
});

it('a bundle that is cut anywhere is refused', async () => {
  for (let end = 0; end < bundle.whole.length; end += 256)
    await expect(contentsOf(bundle.whole.subarray(0, end)), `${end}`).rejects.toMatchObject({
      reason: expect.stringMatching(/truncated|format|length/),
    });
});

it('no byte of a body can be changed unseen', async () => {
  const start = bundle.head.length;
  for (let at = start; at < bundle.whole.length; at += 61) {
    const changed = Buffer.from(bundle.whole);
    changed[at] = (changed[at] ?? 0) ^ 0x20;
    await expect(contentsOf(changed), `${at}`).rejects.toMatchObject({
      reason: expect.stringMatching(/format|digest|encoding|length/),
    });
  }
});

it('anything behind the end is refused', async () => {
  await expect(contentsOf(Buffer.concat([bundle.whole, Buffer.alloc(512)]))).rejects.toMatchObject({
    reason: 'length',
  });
});

it.each([
  ['a symbolic link', 156, '2'],
  ['a hard link', 156, '1'],
  ['a device', 156, '3'],
  ['a pipe', 156, '6'],
  ['a long name of GNU tar', 156, 'L'],
  ['a pax header', 156, 'x'],
  ['a sparse file', 156, 'S'],
  ['a name that leaves', 0, '../'],
  ['an absolute name', 0, '/'],
  ['a size in base 256', 124, '\x80'],
  ['a negative size', 124, '-'],
  ['a set-user-id bit', 101, '4'],
  ['an owner', 110, '7'],
  ['a time', 140, '7'],
  ['a wrong checksum', 148, '7'],
  ['a link name', 157, 'x'],
  ['a prefix of the name', 345, 'x'],
])('a member that begins with %s is refused', async (_, at, written) => {
  for (const start of [0, bundle.head.length]) {
    const changed = Buffer.from(bundle.whole);
    changed.write(written, start + at, 'latin1');
    await expect(contentsOf(changed)).rejects.toMatchObject({ reason: 'format' });
  }
});

it('a member that unpacks to more than the manifest says is cut off there', async () => {
  const bomb = Buffer.alloc(64 * 1024 * 1024);
  const made = await makeBundle({
    contents: [{ kind: 'page', project: 'x', url: 'u', content: bomb, coding: 'zstd' }],
  });
  const [line] = (await linesOf(made.whole)).filter((each) => each.line === 'entry');
  if (line?.line !== 'entry' || line.member === undefined) throw new Error('no entry');
  const entry: Entry = { ...line.entry, size: 1000 };
  const reading = readMember(bytesOf(made.body), entry, line.member);
  await expect(reading.next()).rejects.toMatchObject({ reason: 'encoding' });
  const shorter: Entry = { ...line.entry, size: bomb.length + 1 };
  await expect(readMember(bytesOf(made.body), shorter, line.member).next()).rejects.toMatchObject({ reason: 'length' });
});

it('a signature in the head is found there, and is of this manifest', async () => {
  const made = await makeKey(undefined);
  const key = await openKey(Buffer.from(made.privateFile), async () => undefined);
  const signed = await makeBundle({ contents: CONTENTS, keys: [key] });
  const head = await readHead(bytesOf(signed.whole));
  const trusted = [{ public: made.public, name: 'outside' }];
  const { sealed } = openSeal(head.seal ?? Buffer.alloc(0), trusted, 0);
  expect(sealed).toEqual({
    index: 'main',
    number: 1,
    manifest: { sha256: signed.manifestSha256, size: signed.manifest.length },
  });
  expect(head.end).toBe(signed.head.length);
  expect((await readHead(bytesOf(bundle.whole))).seal).toBeUndefined();
});
