import { describe, expect, it } from 'vitest';
import type { Algorithm } from '../../../src/bytes/digest.ts';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { lend } from '../../../src/bytes/proof.ts';
import { prove } from '../../../src/bytes/proven.ts';
import {
  content,
  digestsOf,
  expectedOf,
  filesBelow,
  openStore,
  refusalOf,
  reopen,
} from '../../support/volume-harness.ts';

describe('a small document', () => {
  it('that was written is read again after a restart, proved', async () => {
    const bytes = content(5000);
    const before = await openStore();
    expect(await before.blobs.readDocument(expectedOf(bytes), 5000)).toBeUndefined();
    await before.blobs.writeDocument(prove(bytes, expectedOf(bytes)));
    const store = await reopen(before);
    const document = await store.blobs.readDocument(expectedOf(bytes), 5000);
    expect(bytes.equals(lend(document?.bytes ?? new Uint8Array()))).toBe(true);
    expect(await filesBelow(`${store.data}/tmp`)).toEqual([]);
  });

  it('is found by each digest it was proved by', async () => {
    const bytes = content(700);
    const algorithms: readonly Algorithm[] = ['sha512', 'blake2b-256'];
    const before = await openStore();
    await before.blobs.writeDocument(prove(bytes, makeExpected({ digests: await digestsOf(bytes, algorithms) })));
    const store = await reopen(before);
    for (const algorithm of [...algorithms, 'sha256'] as const) {
      const expected = makeExpected({ digests: await digestsOf(bytes, [algorithm]) });
      expect(await store.blobs.stored(expected)).toBe(true);
      expect((await store.blobs.readDocument(expected, 700))?.digests.get(algorithm)).toBe(
        expected.digests.get(algorithm),
      );
    }
  });

  it('is a blob like any other: it can be opened, kept and counted', async () => {
    const bytes = content(3);
    const store = await openStore();
    const document = prove(bytes, expectedOf(bytes));
    await store.blobs.writeDocument(document);
    expect((await store.blobs.open(expectedOf(bytes)))?.size).toBe(3);
    expect(await store.blobs.keep(document.sha256, 'sync')).toBe(true);
    expect(store.blobs.usage()).toMatchObject({ blobs: 1, bytes: 3, keptBytes: 3 });
  });

  it('larger than its reader accepts is refused', async () => {
    const bytes = content(5001);
    const store = await openStore();
    await store.blobs.writeDocument(prove(bytes, expectedOf(bytes)));
    const refusal = await refusalOf(store.blobs.readDocument(expectedOf(bytes), 5000));
    expect(refusal).toMatchObject({ reason: 'limit' });
  });
});

describe('whether a file is stored', () => {
  it('is known before the scan at start is through, and by digests other than sha256', async () => {
    const bytes = content(100);
    const before = await openStore();
    await before.blobs.writeDocument(prove(bytes, makeExpected({ digests: await digestsOf(bytes, ['sha512']) })));
    const store = await reopen(before);
    expect(await store.blobs.stored(expectedOf(bytes))).toBe(true);
    expect(await store.blobs.stored(makeExpected({ digests: await digestsOf(bytes, ['sha512']) }))).toBe(true);
    expect(await store.blobs.stored(expectedOf(content(100)))).toBe(false);
    expect(await store.blobs.stored(makeExpected({ digests: await digestsOf(content(100), ['sha512']) }))).toBe(false);
    await store.blobs.scanned;
    expect(await store.blobs.stored(expectedOf(bytes))).toBe(true);
    expect(await store.blobs.stored(expectedOf(content(100)))).toBe(false);
  });
});
