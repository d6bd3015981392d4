import { expect, it } from 'vitest';
import { readReceipt, receiptHeading } from '../../../../src/bundle/export/receipt.ts';

const DIGESTS = ['a'.repeat(64), 'b'.repeat(64)];
const receipt = (text: string) => Buffer.from(`${receiptHeading('main')}${text}`);

it('a receipt says which contents are held', () => {
  const contents = readReceipt('main', receipt(DIGESTS.map((digest) => `${digest}\n`).join('')));
  expect([contents.size, ...DIGESTS.map((digest) => contents.has(digest))]).toEqual([2, true, true]);
  expect(readReceipt('main', receipt('')).size).toBe(0);
});

it.each([
  ['of another index', Buffer.from(`${receiptHeading('other')}${DIGESTS[0]}\n`)],
  ['that is empty', Buffer.alloc(0)],
  ['that is cut', receipt(`${DIGESTS[0]}`)],
  ['with another line', receipt(`${'x'.repeat(64)}\n`)],
  ['with other ends of lines', receipt(`${DIGESTS[0]}\r`)],
])('a receipt %s is refused', (_, bytes) => {
  expect(() => readReceipt('main', bytes)).toThrow(expect.objectContaining({ reason: 'format' }));
});
