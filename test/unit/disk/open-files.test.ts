import { describe, expect, it } from 'vitest';
import type { FileFacts, OpenFile } from '../../../src/disk/file-ops.ts';
import { type Opened, OpenFiles } from '../../../src/disk/open-files.ts';

const FACTS: FileFacts = { kind: 'file', size: 0, mode: 0, uid: 0, inode: 1, links: 1, changedMs: 0 };

/** A disk that counts which files are open. */
function disk() {
  const open = new Set<number>();
  let count = 0;
  return {
    open,
    async opened(): Promise<Opened> {
      const number = count++;
      open.add(number);
      const never = () => Promise.reject(new Error('nobody asked for that'));
      const file: OpenFile = {
        read: async () => number,
        write: never,
        truncate: never,
        sync: never,
        facts: async () => FACTS,
        async close() {
          if (!open.delete(number)) throw new Error('it was closed before');
        },
      };
      return { file, facts: FACTS };
    },
  };
}

const numberOf = (shared: Opened | undefined) => shared?.file.read(new Uint8Array(), 0, 0);

describe('open files', () => {
  it('are shared by all who read one name at once, and by whoever comes next', async () => {
    const { open, opened } = disk();
    const files = new OpenFiles({ most: 4, idleMs: 60_000 });
    const [one, two] = await Promise.all([files.share('a', opened), files.share('a', opened)]);
    await one?.release();
    await two?.release();
    const three = await files.share('a', opened);
    for (const share of [one, two, three]) expect(await numberOf(share)).toBe(0);
    await three?.release();
    expect(open).toEqual(new Set([0]));
    await files.close();
    expect(open).toEqual(new Set());
  });

  it('are no more than there may be once nobody reads them, the longest idle closed first', async () => {
    const { open, opened } = disk();
    const files = new OpenFiles({ most: 2, idleMs: 60_000 });
    const shares = await Promise.all(['a', 'b', 'c'].map((name) => files.share(name, opened)));
    expect(open.size).toBe(3);
    for (const share of shares) await share?.release();
    expect(open).toEqual(new Set([1, 2]));
    await files.close();
  });

  it('that are forgotten close with their last reader, and the next one opens anew', async () => {
    const { open, opened } = disk();
    const files = new OpenFiles({ most: 4, idleMs: 60_000 });
    const old = await files.share('a', opened);
    await files.forget('a');
    const next = await files.share('a', opened);
    expect([await numberOf(old), await numberOf(next)]).toEqual([0, 1]);
    await old?.release();
    expect(open).toEqual(new Set([1]));
    await next?.release();
    await files.forget('a');
    expect(open).toEqual(new Set());
  });

  it('that are handed over take the place of an older one', async () => {
    const { open, opened } = disk();
    const files = new OpenFiles({ most: 4, idleMs: 60_000 });
    await (await files.share('a', opened))?.release();
    await files.add('a', await opened());
    expect(open).toEqual(new Set([1]));
    expect(await numberOf(await files.share('a', opened))).toBe(1);
  });

  it('that could not be opened, or are not there, are tried anew by whoever comes next', async () => {
    const { opened } = disk();
    const files = new OpenFiles({ most: 4, idleMs: 60_000 });
    await expect(files.share('a', () => Promise.reject(new Error('EIO')))).rejects.toThrow('EIO');
    expect(await files.share('a', async () => undefined)).toBeUndefined();
    expect(await numberOf(await files.share('a', opened))).toBe(0);
  });

  it('that nobody reads any more close after a while', async () => {
    const { open, opened } = disk();
    const files = new OpenFiles({ most: 4, idleMs: 1 });
    await (await files.share('a', opened))?.release();
    await expect.poll(() => open.size, { interval: 1 }).toBe(0);
  });

  it('released after the end close at once', async () => {
    const { open, opened } = disk();
    const files = new OpenFiles({ most: 4, idleMs: 60_000 });
    const share = await files.share('a', opened);
    await files.close();
    const late = await files.share('b', opened);
    await share?.release();
    await late?.release();
    expect(open).toEqual(new Set());
  });
});
