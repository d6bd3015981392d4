import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DigestSet } from '../../../../src/bundle/format/digest-set.ts';
import { LIMITS } from '../../../../src/bundle/format/limits.ts';
import { encodeEntry } from '../../../../src/bundle/format/manifest-lines.ts';
import { type ManifestLine, readManifest } from '../../../../src/bundle/format/manifest-reader.ts';
import { type Entry, type Header, KINDS } from '../../../../src/bundle/format/model.ts';
import { compareEntries } from '../../../../src/bundle/format/order.ts';
import { sha256Hex } from '../../../../src/bytes/digest.ts';
import { type Content, HEADER, makeBundle } from '../../../support/bundles.ts';

const file = (project: string, name: string, text = name): Content => ({
  kind: 'file',
  project,
  name,
  content: Buffer.from(text),
});
const CONTENTS = [file('a', 'a-1.whl'), file('a', 'a-2.whl'), file('b', 'b-1.whl')];
const CHANGES = [
  { change: 'removed', project: 'a', name: 'a-0.whl' },
  { change: 'quarantined', project: 'c', reason: 'malware' },
] as const;

async function read(manifest: Uint8Array, chunk = 1000) {
  const lines: ManifestLine[] = [];
  const reading = readManifest(chunksOf(manifest, chunk));
  for (;;) {
    const { value, done } = await reading.next();
    if (done === true) return { lines, ...value };
    lines.push(value);
  }
}

async function* chunksOf(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

it('a manifest is read as it was written, whatever chunks it comes in', async () => {
  const { manifest, manifestSha256 } = await makeBundle({ contents: CONTENTS, changes: CHANGES, pieceSize: 600 });
  for (const chunk of [1, 7, 1000, manifest.length]) {
    const { lines, header, sha256 } = await read(manifest, chunk);
    expect(sha256).toBe(manifestSha256);
    expect(header.index).toEqual(HEADER.index);
    expect(lines.map(({ line }) => line)).toEqual([
      'header',
      ...['entry', 'entry', 'entry', 'change', 'change'],
      ...Array(header.totals.pieces).fill('piece'),
    ]);
  }
});

/** The manifest with its lines changed. */
async function changed(change: (lines: string[]) => void, header?: Partial<Header>): Promise<Buffer> {
  const { manifest } = await makeBundle({ contents: CONTENTS, changes: CHANGES, pieceSize: 2000, header });
  const lines = manifest.toString().trimEnd().split('\n');
  change(lines);
  return Buffer.from(`${lines.join('\n')}\n`);
}

const swap = (a: number, b: number) => (lines: string[]) => {
  [lines[a], lines[b]] = [lines[b] ?? '', lines[a] ?? ''];
};
const edit = (at: number, from: string | RegExp, to: string) => (lines: string[]) => {
  expect(lines[at]).toMatch(from);
  lines[at] = (lines[at] ?? '').replace(from, to);
};

it.each<readonly [string, (lines: string[]) => void]>([
  ['an entry twice', (lines) => lines.splice(1, 0, lines[1] ?? '')],
  ['entries in another order', swap(1, 2)],
  ['a change before an entry', swap(3, 4)],
  ['changes in another order', swap(4, 5)],
  ['a change twice', (lines) => lines.splice(4, 0, lines[4] ?? '')],
  ['pieces in another order', swap(6, 7)],
  ['an entry less than it says', (lines) => lines.splice(1, 1)],
  ['a piece less than it says', (lines) => lines.splice(-1, 1)],
  ['a change less than it says', (lines) => lines.splice(4, 1)],
  ['no header', (lines) => lines.splice(0, 1)],
  ['two headers', (lines) => lines.splice(0, 0, lines[0] ?? '')],
  ['an empty line', (lines) => lines.splice(1, 0, '')],
  ['a member that it does not know', edit(1, '"bytes"', '"mode":511,"bytes"')],
  ['a member twice', edit(1, '"bytes"', '"size":7,"bytes"')],
  ['members in another order', edit(1, '"kind":"file","project":"a"', '"kind":"file","sha256":"","project":"a"')],
  ['blanks', edit(1, '","', '", "')],
  ['another spelling of a number', edit(1, '"size":7', '"size":7.0')],
  ['another spelling of text', edit(1, '"project":"a"', '"project":"\\u0061"')],
  ['an upper-case digest', edit(1, /"sha256":"[^"]*"/, `"sha256":"${'A'.repeat(64)}"`)],
  ['a size below zero', edit(1, '"size":7', '"size":-7')],
  ['a size that lies', edit(1, '"size":7', '"size":700000')],
  ['a file without a project', edit(1, '"project":"a",', '')],
  ['a page with a file name', edit(1, '"kind":"file"', '"kind":"page"')],
  ['a content above that is not there', edit(1, '"here"', '"above"')],
  ['a content here twice', edit(2, /"sha256":"[^"]*"/, `"sha256":"${sha256Hex(Buffer.from('a-1.whl'))}"`)],
  ['a wheel that is compressed', edit(1, '"bytes":"here"', '"bytes":"here","coding":"zstd","stored":7')],
  ['a stored size without a coding', edit(1, '"bytes":"here"', '"bytes":"here","stored":7')],
  ['a coding of what is not here', edit(1, '"bytes":"here"', '"bytes":"held","coding":"zstd","stored":7')],
  ['more entries than it says', edit(0, '"entries":3', '"entries":2')],
  ['fewer members than it says', edit(0, '"members":3', '"members":4')],
  ['a body of another size', edit(0, /"body":\d+/, '"body":1024')],
  ['another content size', edit(0, /"content":\d+/, '"content":20')],
  ['a format that it does not know', edit(0, 'verbatim-bundle/1', 'verbatim-bundle/7')],
  ['an index name that leaves', edit(0, '"name":"main"', '"name":"../main"')],
  ['a time that is none', edit(0, '2026-01-02', '2026-02-30')],
  [
    'a pinned root of an index that signs nothing',
    edit(0, '"upstream"', `"rootSha256":"${'0'.repeat(64)}","upstream"`),
  ],
  ['a signed index without a pinned root', edit(0, '"evidence":"index"', '"evidence":"tuf"')],
  ['a number that is none', edit(0, '"number":1', '"number":0')],
  ['no word of the manifest before', edit(0, '"number":1', '"number":2')],
  [
    'a base that is not before it',
    edit(0, '"number":1', `"number":1,"base":{"number":1,"manifest":"${'0'.repeat(64)}"}`),
  ],
])('a manifest with %s is refused', async (_, change) => {
  await expect(read(await changed(change))).rejects.toMatchObject({ reason: 'format' });
});

it('text that is no UTF-8 is refused', async () => {
  const manifest = await changed(() => {});
  manifest[manifest.indexOf('a-0.whl')] = 0x80;
  await expect(read(manifest)).rejects.toMatchObject({ reason: 'format' });
});

it('a key is announced once', async () => {
  const keys = [
    { public: '1'.repeat(64), name: 'a' },
    { public: '1'.repeat(64), name: 'b' },
  ];
  await expect(read(await changed(() => {}, { keys }))).rejects.toMatchObject({ reason: 'format' });
  await expect(read(await changed(() => {}, { keys: keys.slice(1) }))).resolves.toMatchObject({
    header: { number: 1 },
  });
});

it('a manifest that ends in the middle of a line is refused', async () => {
  const { manifest } = await makeBundle({ contents: CONTENTS });
  for (const end of [0, 10, manifest.length - 1])
    await expect(read(manifest.subarray(0, end))).rejects.toMatchObject({ reason: 'format' });
});

it('a line without an end is refused at its limit, however long it is', async () => {
  const endless = async function* () {
    yield (await makeBundle({ contents: [] })).manifest.subarray(0, 1);
    for (let at = 0; at < 1000; at++) yield Buffer.alloc(LIMITS.header, ' ');
    throw new Error('it was read to its end');
  };
  await expect(readManifest(endless()).next()).rejects.toMatchObject({ reason: 'limit' });
});

it('a name or URL that is too long cannot be written', () => {
  const entry: Entry = {
    kind: 'page',
    project: 'a',
    url: 'u'.repeat(LIMITS.url + 1),
    size: 1,
    sha256: '0'.repeat(64),
    bytes: 'here',
  };
  expect(() => encodeEntry(entry)).toThrow(expect.objectContaining({ reason: 'limit' }));
  expect(() => encodeEntry({ ...entry, url: 'u'.repeat(LIMITS.url) })).not.toThrow();
});

it('entries have one order, in which no two different ones are equal', () => {
  const names = fc.constantFrom('a', 'b', 'a-1', 'é', '\uffee', '😀');
  const entries = fc.record({
    kind: fc.constantFrom(...KINDS),
    project: names,
    name: names,
    version: fc.integer({ min: 1, max: 3 }),
  });
  const whole = (entry: Pick<Entry, 'kind'>): Entry => ({ size: 0, sha256: '', bytes: 'here', ...entry });
  fc.assert(
    fc.property(entries, entries, entries, (first, second, third) => {
      const [a, b, c] = [whole(first), whole(second), whole(third)];
      expect(Math.sign(compareEntries(a, b)) + Math.sign(compareEntries(b, a))).toBe(0);
      if (compareEntries(a, b) < 0 && compareEntries(b, c) < 0) expect(compareEntries(a, c)).toBeLessThan(0);
      const isSame = JSON.stringify(a) === JSON.stringify(b);
      expect(compareEntries(a, b) === 0).toBe(isSame);
    }),
  );
});

it('a set of digests holds what was put in, and nothing else', () => {
  const set = new DigestSet();
  const zero = '0'.repeat(64);
  expect(set.has(zero)).toBe(false);
  const digests = [zero, ...Array.from({ length: 5000 }, (_, at) => sha256Hex(Buffer.from(`${at}`)))];
  for (const digest of digests) expect(set.add(digest)).toBe(true);
  for (const digest of digests) expect([set.add(digest), set.has(digest)]).toEqual([false, true]);
  expect(set.size).toBe(digests.length);
  expect(set.has(sha256Hex(Buffer.from('another')))).toBe(false);
  // Digests that begin alike lie in a row.
  const alike = Array.from({ length: 300 }, (_, at) => `${'0'.repeat(60)}${(at + 1).toString(16).padStart(4, '0')}`);
  for (const digest of alike) expect([set.has(digest), set.add(digest), set.has(digest)]).toEqual([false, true, true]);
});
