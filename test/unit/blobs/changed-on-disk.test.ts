import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, open, rename, symlink, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FileOps, nodeFileOps } from '../../../src/disk/file-ops.ts';
import { client } from '../../support/callers.ts';
import {
  content,
  expectedOf,
  filesBelow,
  MIB,
  openStore,
  reopen,
  type Store,
  sent,
  sentUntilRefused,
  sha256,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

const SIZE = 3 * MIB + 12_345;

async function flip(path: string, at: number): Promise<void> {
  await chmod(path, 0o644);
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  await file.close();
}

async function filled(bytes: Buffer): Promise<Store> {
  // Each reader opens the file itself, and so meets what lies there.
  const store = await openStore({ openIdle: 0 });
  await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
  return store;
}

async function healsItself(store: Store, bytes: Buffer): Promise<void> {
  const again = upstream(whole(bytes));
  const blob = await store.blobs.fetch(wanted(bytes), again.download, client());
  expect(again.requests).toHaveLength(1);
  expect((await sent(blob)).equals(bytes)).toBe(true);
  expect(store.corrupt).toEqual([sha256(bytes)]);
}

describe('a blob changed before start', () => {
  for (const [where, at] of [
    ['its first byte', 0],
    ['the middle', MIB + 5],
    ['its last byte', SIZE - 1],
  ] as const)
    it(`a flipped bit in ${where} is found at first touch, and it heals`, async () => {
      const bytes = content(SIZE);
      const before = await filled(bytes);
      await before.close();
      await flip(before.pathOf(bytes), at);
      const store = await reopen(before);
      expect(await store.blobs.open(expectedOf(bytes))).toBeUndefined();
      await healsItself(store, bytes);
    });

  it('what was changed is set aside as evidence', async () => {
    const bytes = content(SIZE);
    const before = await filled(bytes);
    await before.close();
    await flip(before.pathOf(bytes), 7);
    const store = await reopen(before);
    await store.blobs.open(expectedOf(bytes));
    expect(await filesBelow(join(store.data, 'quarantine'))).toEqual([expect.stringContaining(sha256(bytes))]);
  });

  it('shorter, longer and empty are found', async () => {
    for (const size of [SIZE - 1, SIZE + 1, 0]) {
      const bytes = content(SIZE);
      const before = await filled(bytes);
      await before.close();
      await chmod(before.pathOf(bytes), 0o644);
      await truncate(before.pathOf(bytes), size);
      const store = await reopen(before);
      expect(await store.blobs.open(expectedOf(bytes))).toBeUndefined();
      await healsItself(store, bytes);
    }
  });
});

describe('a blob changed while it is warm', () => {
  it('a flipped bit before the range asked for, in the same chunk: no byte of the chunk leaves', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    await flip(store.pathOf(bytes), MIB + 1);
    const { left, reason } = await sentUntilRefused(blob, { start: MIB + 1000, end: MIB + 2000 });
    expect(reason).toBe('digest');
    expect(left.byteLength).toBe(0);
    await healsItself(store, bytes);
  });

  it('one byte costs the reading of the unit it lies in, not of a chunk; small ranges are right wherever they lie', async () => {
    const bytes = content(SIZE);
    let read = 0;
    const ops: FileOps = {
      ...nodeFileOps,
      async openRead(path) {
        const file = await nodeFileOps.openRead(path);
        return {
          ...file,
          async read(into, length, position) {
            read += length;
            return file.read(into, length, position);
          },
        };
      },
    };
    const store = await openStore({ openIdle: 0, ops });
    await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    const unit = 128 * 1024;
    for (const [start, length, most] of [
      [0, 1, unit],
      [MIB + unit - 1, 1, unit],
      [MIB - 1, 2, 2 * unit],
      [5, unit, 2 * unit],
      [SIZE - 1, 1, unit],
      [SIZE, 0, 0],
    ] as const) {
      read = 0;
      expect((await sent(blob, { start, end: start + length })).equals(bytes.subarray(start, start + length))).toBe(
        true,
      );
      expect(read).toBeLessThanOrEqual(most);
    }
    await flip(store.pathOf(bytes), 2 * MIB + unit - 1);
    expect((await sent(blob, { start: 2 * MIB + unit, end: 2 * MIB + unit + 1 })).byteLength).toBe(1);
    expect(await sentUntilRefused(blob, { start: 2 * MIB, end: 2 * MIB + 1 })).toEqual({
      left: Buffer.alloc(0),
      reason: 'digest',
    });
  });

  it('a flipped bit inside the range: what left before it is right, nothing after it leaves', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    await flip(store.pathOf(bytes), 2 * MIB + 17);
    const { left, reason } = await sentUntilRefused(blob, { start: 10, end: SIZE });
    expect(reason).toBe('digest');
    expect(left.equals(bytes.subarray(10, 2 * MIB))).toBe(true);
    await healsItself(store, bytes);
  });

  it('a flipped bit in a chunk not asked for does not stop the range', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    await flip(store.pathOf(bytes), 3 * MIB + 1);
    expect((await sent(blob, { start: 5, end: MIB + 5 })).equals(bytes.subarray(5, MIB + 5))).toBe(true);
  });

  it('a bit flipped while it is sent, after the send began', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    const parts: Buffer[] = [];
    const send = blob.send(
      { start: 0, end: SIZE },
      async (chunk) => {
        if (parts.length === 0) await flip(store.pathOf(bytes), 3 * MIB + 1);
        parts.push(Buffer.from(chunk));
      },
      client(),
    );
    await expect(send).rejects.toMatchObject({ reason: 'digest' });
    expect(Buffer.concat(parts).equals(bytes.subarray(0, 3 * MIB))).toBe(true);
  });

  it('truncated while it is sent', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    const parts: Buffer[] = [];
    const send = blob.send(
      { start: 0, end: SIZE },
      async (chunk) => {
        if (parts.length === 0) {
          await chmod(store.pathOf(bytes), 0o644);
          await truncate(store.pathOf(bytes), 3 * MIB);
        }
        parts.push(Buffer.from(chunk));
      },
      client(),
    );
    await expect(send).rejects.toMatchObject({ reason: 'digest' });
    await healsItself(store, bytes);
  });

  it('made longer between open and send', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    await chmod(store.pathOf(bytes), 0o644);
    await truncate(store.pathOf(bytes), SIZE + 1);
    expect(await sentUntilRefused(blob)).toMatchObject({ reason: 'digest', left: Buffer.alloc(0) });
    await healsItself(store, bytes);
  });

  it('two chunks swapped: a tag holds for its place only', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    const swapped = Buffer.concat([bytes.subarray(MIB, 2 * MIB), bytes.subarray(0, MIB), bytes.subarray(2 * MIB)]);
    await unlink(store.pathOf(bytes));
    await writeFile(store.pathOf(bytes), swapped);
    expect(await sentUntilRefused(blob)).toMatchObject({ reason: 'digest', left: Buffer.alloc(0) });
  });

  it("another blob's bytes of the same size under its name", async () => {
    const bytes = content(SIZE);
    const other = content(SIZE);
    const store = await filled(bytes);
    await store.blobs.fetch(wanted(other, { origin: 'other' }), upstream(whole(other)).download, client());
    const blob = await store.blobs.open(expectedOf(bytes));
    if (blob === undefined) throw new Error('not held');
    await unlink(store.pathOf(bytes));
    await link(store.pathOf(other), store.pathOf(bytes));
    expect(await sentUntilRefused(blob)).toMatchObject({ reason: 'digest', left: Buffer.alloc(0) });
    await healsItself(store, bytes);
  });

  it('a changed size is found before anything is promised', async () => {
    for (const size of [SIZE - 1, SIZE + 1]) {
      const bytes = content(SIZE);
      const store = await filled(bytes);
      await chmod(store.pathOf(bytes), 0o644);
      await truncate(store.pathOf(bytes), size);
      expect(await store.blobs.open(expectedOf(bytes))).toBeUndefined();
      await healsItself(store, bytes);
    }
  });

  it('gone: a miss, not an error', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    await unlink(store.pathOf(bytes));
    expect(await store.blobs.open(expectedOf(bytes))).toBeUndefined();
    expect(await store.blobs.stored(expectedOf(bytes))).toBe(false);
    expect(store.corrupt).toEqual([]);
  });
});

describe('a blob whose time on disk tells that it was written to', () => {
  it('is hashed again before its next header: nothing of it is sent, and it heals', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    await store.blobs.open(expectedOf(bytes));
    await flip(store.pathOf(bytes), 2 * MIB);
    await utimes(store.pathOf(bytes), 1, 1);
    expect(await store.blobs.open(expectedOf(bytes))).toBeUndefined();
    await healsItself(store, bytes);
  });

  it('and that is right all the same is served, from what lies there now', async () => {
    const bytes = content(SIZE);
    const store = await filled(bytes);
    await rename(store.pathOf(bytes), `${store.pathOf(bytes)}.old`);
    await writeFile(store.pathOf(bytes), bytes);
    for (let time = 0; time < 2; time++) {
      const blob = await store.blobs.open(expectedOf(bytes));
      expect(blob && (await sent(blob)).equals(bytes)).toBe(true);
    }
    expect(store.corrupt).toEqual([]);
  });
});

describe('something else under a blob’s name is refused without waiting for it', () => {
  const replacements: Readonly<Record<string, (path: string, bytes: Buffer) => Promise<void>>> = {
    'a symlink to the right bytes': async (path) => {
      await rename(path, `${path}.real`);
      await symlink(`${path}.real`, path);
    },
    'a FIFO': async (path) => {
      await unlink(path);
      execFileSync('mkfifo', [path]);
    },
    'a directory': async (path) => {
      await unlink(path);
      await mkdir(join(path, 'inside'), { recursive: true });
    },
  };
  for (const [what, replace] of Object.entries(replacements)) {
    it(`${what}, before start`, async () => {
      const bytes = content(SIZE);
      const before = await filled(bytes);
      await before.close();
      await replace(before.pathOf(bytes), bytes);
      const store = await reopen(before);
      expect(await store.blobs.open(expectedOf(bytes))).toBeUndefined();
      await healsItself(store, bytes);
    });

    it(`${what}, between open and send`, async () => {
      const bytes = content(SIZE);
      const store = await filled(bytes);
      const blob = await store.blobs.open(expectedOf(bytes));
      if (blob === undefined) throw new Error('not held');
      await replace(store.pathOf(bytes), bytes);
      const { left } = await sentUntilRefused(blob);
      expect(left.byteLength).toBe(0);
      await healsItself(store, bytes);
    });
  }
});

describe('verify', () => {
  it('proves every blob again, names what is wrong, and leaves it where it is until it is asked for', async () => {
    const good = content(MIB + 3);
    const bad = content(MIB + 3);
    const store = await filled(good);
    await store.blobs.fetch(wanted(bad, { origin: 'bad' }), upstream(whole(bad)).download, client());
    await flip(store.pathOf(bad), MIB);
    const seen: number[] = [];
    const result = await store.blobs.verifyAll(({ blobs }) => seen.push(blobs));
    expect(result.wrong).toEqual([sha256(bad)]);
    expect((await nodeFileOps.facts(store.pathOf(bad)))?.size).toBe(MIB + 3);
    expect(result.blobs).toBe(2);
    expect(seen).toEqual([1, 2]);
    expect(await store.blobs.open(expectedOf(good))).toBeDefined();
    expect(await store.blobs.open(expectedOf(bad))).toBeUndefined();
  });
});
