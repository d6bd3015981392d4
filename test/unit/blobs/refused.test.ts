import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { checkRange } from '../../../src/blobs/chunks.ts';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { client } from '../../support/callers.ts';
import {
  content,
  expectedOf,
  openStore,
  refusalOf,
  reopen,
  sha256,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

it.each([
  [-1, 1],
  [0.5, 1],
  [0, 1.5],
  [2, 1],
  [0, 3],
  [Number.NaN, 1],
  [0, Number.POSITIVE_INFINITY],
])('bytes %d to %d are none of two', (start, end) => {
  expect(() => checkRange({ start, end }, 2)).toThrow(RangeError);
  expect(checkRange({ start: 0, end: 2 }, 2)).toEqual([0, 2]);
});

it('what nothing is known of to prove it by is not fetched', async () => {
  const { blobs } = await openStore();
  const bytes = content(10);
  const from = upstream(whole(bytes));
  const nothing = { ...wanted(bytes), expected: makeExpected({ length: 10, digests: new Map() }) };
  expect(await refusalOf(blobs.fetch(nothing, from.download, client()))).toMatchObject({
    reason: 'algorithm',
    subject: 'file',
  });
  expect(from.requests).toEqual([]);
});

it('a stored file is not what one of two digests says, in memory as after a restart; by the other it stays what it is', async () => {
  const store = await openStore();
  const [bytes, others] = [content(10), content(10)];
  const both = (second: Uint8Array) =>
    makeExpected({
      digests: new Map([
        ['sha256', sha256(bytes)],
        ['sha512', createHash('sha512').update(second).digest('hex')],
      ]),
    });
  const from = upstream(whole(bytes));
  await store.blobs.fetch({ ...wanted(bytes), expected: both(bytes) }, from.download, client());
  for (const { blobs } of [store, await reopen(store)]) {
    expect(await blobs.open(both(others))).toBeUndefined();
    expect(await blobs.open(both(bytes))).toBeDefined();
    expect(await blobs.open(both(others))).toBeUndefined();
    expect(await blobs.open(expectedOf(bytes))).toBeDefined();
  }
});
