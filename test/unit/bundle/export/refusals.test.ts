import { expect, it } from 'vitest';
import { type ExportRequest, exportBundle } from '../../../../src/bundle/export/export.ts';
import { type HeldParts, NotCarried } from '../../../../src/bundle/export/held.ts';
import { heldProject } from '../../../../src/bundle/export/held-project.ts';
import { cutInto, PieceWriter } from '../../../../src/bundle/export/pieces.ts';
import type { BundleOutput, ExportHistory } from '../../../../src/bundle/export/places.ts';
import { readReceipt, receiptHeading } from '../../../../src/bundle/export/receipt.ts';
import { readSelection } from '../../../../src/bundle/export/selection.ts';
import { encodeStateLine, readStateLines } from '../../../../src/bundle/export/state-lines.ts';
import { storedDocument } from '../../../../src/bundle/export/stored-document.ts';
import type { BundleBytes } from '../../../../src/bundle/format/archive.ts';
import { LIMITS } from '../../../../src/bundle/format/limits.ts';
import { sha256Hex } from '../../../../src/bytes/digest.ts';
import { type Reason, Refusal } from '../../../../src/bytes/refusal.ts';
import { bytesOf } from '../../../support/bundles.ts';

const refusal = (reason: string) => expect.objectContaining({ reason });
const SHA256 = sha256Hex(Buffer.from('a document'));

/** An export that gets no further than the bundles that are remembered. */
const exportAfter = (numbers: readonly number[]) => {
  const history = { numbers: async () => numbers, open: async () => undefined } as Partial<ExportHistory>;
  return exportBundle({ history, since: undefined } as ExportRequest, undefined);
};

it('the last number that a bundle may have is not counted on from', async () => {
  await expect(exportAfter([LIMITS.number])).rejects.toEqual(refusal('limit'));
});

it('a bundle that was made last and is remembered no more is not followed', async () => {
  await expect(exportAfter([7])).rejects.toEqual(refusal('state'));
});

it.each<Reason>(['digest', 'state', 'limit'])('a page that is refused as %s ends an export', async (reason) => {
  const notCarried = new NotCarried();
  const listing = () => Promise.reject(new Refusal(reason, 'a page'));
  const parts = { index: { listing } as Partial<HeldParts['index']>, notCarried } as HeldParts;
  await expect(heldProject(parts, 'alpha').next()).rejects.toEqual(refusal(reason));
  expect(notCarried.projectCount).toBe(0);
});

it('a body is cut into no more pieces than a bundle may have, and none is smaller than what comes before them', () => {
  const none = () => 0;
  expect(() => cutInto(LIMITS.pieces + 1, 1, none)).toThrow(refusal('limit'));
  expect(cutInto(LIMITS.pieces, 1, none).sizes).toHaveLength(LIMITS.pieces);
  expect(() => cutInto(100, 50, () => 51)).toThrow(refusal('limit'));
  expect(cutInto(100, 50, () => 50).sizes).toEqual([50, 50]);
});

it('a body that is shorter than what it was cut for is not taken for whole', () => {
  const writer = new PieceWriter({} as BundleOutput, { isWhole: false, sizes: [100] });
  expect(() => writer.finish()).toThrow('shorter');
});

it('a receipt of another index whose name is as long is refused, and one with too many lines', () => {
  const line = `${SHA256}\n`;
  expect(() => readReceipt('main', Buffer.from(`${receiptHeading('mail')}${line}`))).toThrow(refusal('format'));
  const heading = Buffer.from(receiptHeading('main'));
  const endless = Buffer.alloc(heading.length + line.length * (LIMITS.entries + 1));
  heading.copy(endless);
  expect(() => readReceipt('main', endless)).toThrow(refusal('limit'));
});

it('a glob that is longer than a pattern may be is refused', () => {
  const glob = 'a*'.repeat(LIMITS.pattern / 2);
  expect(readSelection([glob])).toEqual([glob]);
  expect(() => readSelection([`${glob}a`])).toThrow(refusal('format'));
});

async function stateOf(file: BundleBytes): Promise<number> {
  let lines = 0;
  for await (const _ of readStateLines(file)) lines++;
  return lines;
}

const LINE = encodeStateLine({ kind: 'page', project: 'a', sha256: SHA256, size: 1, mark: undefined });

it.each<readonly [string, unknown]>([
  ['no list', {}],
  ['a project’s name that is too long', ['page', 'x'.repeat(LIMITS.name + 1), '', 0, SHA256, 1, '']],
  ['a file’s name that is too long', ['file', 'a', 'x'.repeat(LIMITS.name + 1), 0, SHA256, 1, '']],
  ['a version below zero', ['targets', '', 'a', -1, SHA256, 1, '']],
  ['a digest that is none', ['page', 'a', '', 0, SHA256.toUpperCase(), 1, '']],
  ['a size below zero', ['page', 'a', '', 0, SHA256, -1, '']],
])('what is remembered of a bundle is damaged where a line is %s', async (_, value) => {
  expect(await stateOf(bytesOf(LINE))).toBe(1);
  const damaged = bytesOf(Buffer.concat([LINE, Buffer.from(`${JSON.stringify(value)}\n`)]));
  await expect(stateOf(damaged)).rejects.toEqual(refusal('state'));
});

it('what is remembered of a bundle is damaged where its last line is cut, or has no end', async () => {
  await expect(stateOf(bytesOf(LINE.subarray(0, -1)))).rejects.toEqual(refusal('state'));
  let read = 0;
  const endless: BundleBytes = {
    size: 2 ** 30,
    async read(into) {
      into.fill(0);
      read += into.byteLength;
      return into.byteLength;
    },
  };
  await expect(stateOf(endless)).rejects.toEqual(refusal('state'));
  expect(read).toBeLessThan(2 ** 20);
});

it('a document is carried as it was, whole and not too large, or not at all', async () => {
  const stored = (bytes: Buffer | undefined) => ({
    open: async () =>
      bytes && {
        size: bytes.length,
        version: '',
        read: async (into: Uint8Array, position: number) => bytes.copy(into, 0, position),
        close: async () => {},
      },
  });
  const bytes = Buffer.from('a document');
  expect(Buffer.from(await storedDocument(stored(bytes), SHA256, bytes.length))).toEqual(bytes);
  const open = (held: Buffer | undefined, size = bytes.length) => storedDocument(stored(held), SHA256, size);
  await expect(open(undefined)).rejects.toEqual(refusal('state'));
  for (const held of [bytes.subarray(1), Buffer.from('a documenT')])
    await expect(open(held)).rejects.toEqual(refusal('digest'));
  await expect(open(bytes, LIMITS.document + 1)).rejects.toEqual(refusal('limit'));
});
