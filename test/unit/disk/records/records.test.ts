import { rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sqlite } from '../../../../src/disk/database/sqlite.ts';
import { RecordLines } from '../../../../src/disk/records/record-lines.ts';
import type { RecordsDatabase } from '../../../../src/disk/records/records-database.ts';
import { recordsOf, scratchDirectory } from '../state/rig.ts';

const linesOf = (records: RecordsDatabase, maxBytes = 1_000_000) =>
  new RecordLines(records, { kind: 'journal', maxBytes });
const fileOf = (root: string) => join(root, 'records', 'records.db');

async function all(lines: RecordLines): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for await (const line of lines.read()) found.push(line);
  return found;
}

describe('records', () => {
  it('come back after a restart, oldest first, each kind by itself', async () => {
    const root = await scratchDirectory();
    const records = recordsOf(root);
    const access = new RecordLines(records, { kind: 'access', maxBytes: 1000 });
    const journal = linesOf(records);
    for (let at = 0; at < 1200; at++) journal.add({ at });
    access.add({ who: 'x', none: undefined });
    await journal.close();
    await access.close();
    await records.close();
    const again = recordsOf(root, true);
    expect(await all(linesOf(again))).toEqual(Array.from({ length: 1200 }, (_, at) => ({ at })));
    expect(await all(new RecordLines(again, { kind: 'access', maxBytes: 1000 }))).toEqual([{ who: 'x' }]);
  });

  it('that nobody wrote are none, and reading them makes nothing', async () => {
    const root = await scratchDirectory();
    expect(await all(linesOf(recordsOf(root, true)))).toEqual([]);
    await expect(stat(dirname(fileOf(root)))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('stay within their bounds, each kind within its own', async () => {
    const root = await scratchDirectory();
    const records = recordsOf(root);
    const lines = linesOf(records, 10_000);
    const others = new RecordLines(records, { kind: 'access', maxBytes: 5000 });
    others.add({ first: 1 });
    for (let round = 0; round < 20; round++) {
      for (let at = 0; at < 100; at++) lines.add({ at: round * 100 + at });
      await lines.flush();
    }
    const found = await all(lines);
    expect(found.at(-1)).toEqual({ at: 1999 });
    expect(found).toEqual(Array.from({ length: found.length }, (_, at) => ({ at: 2000 - found.length + at })));
    const bytes = found.reduce((sum: number, line) => sum + JSON.stringify(line).length, 0);
    expect(bytes).toBeLessThanOrEqual(10_000);
    expect(bytes).toBeGreaterThan(9000);
    expect(await all(others)).toEqual([{ first: 1 }]);
    expect(await records.kept()).toEqual([
      { kind: 'journal', lines: found.length, bytes },
      { kind: 'access', lines: 1, bytes: 11 },
      { kind: 'tally', lines: 0, bytes: 0 },
      { kind: 'news', lines: 0, bytes: 0 },
      { kind: 'requests', lines: 0, bytes: 0 },
    ]);
    await records.close();
    // What was there before lines were counted is counted.
    const path = fileOf(root);
    const database = new (sqlite().DatabaseSync)(path);
    database.exec('DELETE FROM total WHERE kind > 100');
    database.close();
    const again = recordsOf(root);
    expect((await again.kept())[0]).toEqual({ kind: 'journal', lines: found.length, bytes });
    const more = new RecordLines(again, { kind: 'access', maxBytes: 5000 });
    more.add({ second: 2 });
    await more.close();
    expect((await again.kept())[1]).toEqual({ kind: 'access', lines: 2, bytes: 23 });
    expect((await recordsOf(await scratchDirectory(), true).kept()).map(({ lines: count }) => count)).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });

  it('of several processes are one', async () => {
    const root = await scratchDirectory();
    const [one, two] = [linesOf(recordsOf(root)), linesOf(recordsOf(root))];
    for (let at = 1; at <= 30; at++) {
      const lines = at % 2 === 0 ? one : two;
      lines.add({ at });
      await lines.flush();
    }
    for (const each of [one, two])
      expect(await all(each)).toEqual(Array.from({ length: 30 }, (_, at) => ({ at: at + 1 })));
  });

  it('that are no JSON, or far too long, are passed over', async () => {
    const root = await scratchDirectory();
    const records = recordsOf(root);
    const lines = linesOf(records);
    lines.add({ at: 1 });
    await lines.flush();
    const database = new (sqlite().DatabaseSync)(fileOf(root));
    for (const content of ['{"at":', '', `"${'x'.repeat(100_000)}"`])
      database.prepare('INSERT INTO line (kind, content) VALUES (1, ?)').run(content);
    database.close();
    lines.add({ at: 2, long: 'x'.repeat(1_000_000) });
    expect(await all(lines)).toEqual([{ at: 1 }, { at: 2, long: `${'x'.repeat(1000)}...` }]);
  });

  it('that the disk did not take wait until it does, the newest of them', async () => {
    const root = await scratchDirectory();
    await writeFile(join(root, 'records'), 'in the way');
    const lines = linesOf(recordsOf(root));
    lines.add({ at: 0 });
    await expect(lines.flush()).rejects.toMatchObject({ reason: 'state' });
    for (let at = 1; at <= 10_005; at++) lines.add({ at });
    expect(lines.lost).toBe(6);
    await rm(join(root, 'records'));
    const found = await all(lines);
    expect([found.length, found[0], found.at(-1)]).toEqual([10_000, { at: 6 }, { at: 10_005 }]);
  });

  it('go on where their directory was moved away under a running process', async () => {
    const root = await scratchDirectory();
    const records = recordsOf(root);
    const lines = linesOf(records);
    lines.add({ at: 1 });
    await lines.flush();
    await records.raise('main', 5);
    await rm(join(root, 'records'), { recursive: true });
    lines.add({ at: 2 });
    await lines.flush().catch(() => undefined);
    expect(await all(lines)).toEqual([{ at: 2 }]);
    expect(await records.of('main')).toBe(0);
  });

  it('are written within their second without being asked', async () => {
    const root = await scratchDirectory();
    const lines = linesOf(recordsOf(root));
    lines.add({ at: 1 });
    const other = linesOf(recordsOf(root, true));
    await expect.poll(() => all(other), { timeout: 60_000 }).toEqual([{ at: 1 }]);
    await lines.close();
  });

  it('hold the epochs of indexes, which never go down', async () => {
    const root = await scratchDirectory();
    const [one, two] = [recordsOf(root), recordsOf(root)];
    expect(await one.of('main')).toBe(0);
    await Promise.all([one.raise('main', 7), two.raise('main', 5), two.raise('other', 1)]);
    expect([await one.of('main'), await two.of('main'), await one.of('other')]).toEqual([7, 7, 1]);
  });
});
