import { beforeAll, expect, it } from 'vitest';
import { type BundleBytes, chunksOf, readHead } from '../../../../src/bundle/format/archive.ts';
import { DigestSet } from '../../../../src/bundle/format/digest-set.ts';
import { makeKey, openKey } from '../../../../src/bundle/format/keys.ts';
import { LIMITS } from '../../../../src/bundle/format/limits.ts';
import { encodeHeader } from '../../../../src/bundle/format/manifest-lines.ts';
import { ManifestReader, readManifest } from '../../../../src/bundle/format/manifest-reader.ts';
import { bytesOf, HEADER, type MadeBundle, makeBundle } from '../../../support/bundles.ts';

const refusal = (reason: string) => expect.objectContaining({ reason });

let bundle: MadeBundle;
let lines: readonly string[];
beforeAll(async () => {
  const names = ['a-1.whl', 'a-2.whl', 'a-3.whl'];
  bundle = await makeBundle({
    contents: names.map((name) => ({ kind: 'file', project: 'a', name, content: Buffer.from(name) })),
    changes: ['b', 'c'].map((project) => ({ change: 'removed', project })),
    pieceSize: 2000,
  });
  lines = bundle.manifest.toString().trimEnd().split('\n');
});

it('a bundle that ends within what comes before its body is truncated', async () => {
  for (const end of [0, 100, 511, 600]) {
    await expect(readHead(bytesOf(bundle.whole.subarray(0, end))), `${end}`).rejects.toEqual(refusal('truncated'));
  }
});

it('a part of a file that became shorter while it is read is truncated', async () => {
  const shrunken: BundleBytes = { size: 1000, read: async () => 10 };
  await expect(chunksOf(shrunken, 0, 1000).next()).rejects.toEqual(refusal('truncated'));
});

it('a set of digests takes SHA-256 alone, and has nothing else', () => {
  const set = new DigestSet();
  expect(() => set.add('ab')).toThrow('no SHA-256');
  expect(set.has('ab')).toBe(false);
});

/** What the header says of the whole, changed by so much. */
const saying = (total: string, more: number) => (line: string) =>
  line.replace(new RegExp(`"${total}":(\\d+)`), (_, was) => `"${total}":${Number(was) + more}`);

it.each<readonly [string, (line: string) => string, string]>([
  ['entry', saying('entries', -1), 'a-3.whl'],
  ['member', saying('members', -1), 'a-3.whl'],
  ['byte in its members', saying('body', -1), 'a-3.whl'],
  ['byte of content', saying('content', -1), 'a-3.whl'],
  ['change', saying('changes', -1), '"c"'],
  ['piece', saying('pieces', -1), '"piece":3'],
])('a manifest with one %s more than its header says is refused at that line', (_, change, at) => {
  const reader = new ManifestReader();
  reader.take(Buffer.from(change(lines[0] ?? '')));
  for (const line of lines.slice(1)) {
    const take = () => reader.take(Buffer.from(line));
    if (line.includes(at)) return expect(take).toThrow(refusal('format'));
    take();
  }
  throw new Error('there is no such line');
});

it('pieces that together are longer than the body are refused at the one that is too much', () => {
  const reader = new ManifestReader();
  const pieces = lines.filter((line) => line.startsWith('{"piece"'));
  for (const line of lines) if (!pieces.includes(line)) reader.take(Buffer.from(line));
  const longer = (pieces[0] ?? '').replace(/"size":\d+/, '"size":1000000');
  expect(() => reader.take(Buffer.from(longer))).toThrow(refusal('format'));
});

async function readAll(manifest: string): Promise<void> {
  const chunks = async function* () {
    yield Buffer.from(manifest);
  };
  for await (const _ of readManifest(chunks()));
}

it('a line that is too long is refused also where its end is at hand', async () => {
  // Each of these characters takes six bytes.
  const url = '\\u0001'.repeat(LIMITS.url);
  const long = lines.toSpliced(1, 1, (lines[1] ?? '').replace(/"size"/, `"url":"${url}","size"`));
  await expect(readAll(`${long.join('\n')}\n`)).rejects.toEqual(refusal('limit'));
});

it('anything behind the last line of a manifest is refused', async () => {
  await expect(readAll(`${lines.join('\n')}\nx`)).rejects.toEqual(refusal('format'));
});

it('a header that is too long for a line is not written', () => {
  const totals = { entries: 0, members: 0, content: 0, body: 1024, changes: 0, pieces: 1 };
  const selecting = (patterns: number) =>
    encodeHeader({ ...HEADER, totals, selection: Array(patterns).fill('x'.repeat(LIMITS.pattern)) });
  expect(() => selecting(2000)).toThrow(refusal('limit'));
  expect(selecting(500).length).toBeGreaterThan(500 * LIMITS.pattern);
});

it('a key file whose key is not the one that it names is refused', async () => {
  const made = await makeKey(undefined);
  const open = (file: string) => openKey(Buffer.from(file), async () => undefined);
  await expect(open(made.privateFile)).resolves.toMatchObject({ id: made.id });
  for (const file of [
    made.privateFile.replace(made.id, '0'.repeat(64)),
    made.privateFile.replace(/("private": "[0-9a-f]{62})../, '$1'),
  ])
    await expect(open(file)).rejects.toEqual(refusal('format'));
});
