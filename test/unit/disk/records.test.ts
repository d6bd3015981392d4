import { appendFile, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAccessRecord, type Fetched } from '../../../src/disk/access-record.ts';
import { createJournal } from '../../../src/disk/journal.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import type { JournalEntry } from '../../../src/ports/records.ts';
import { faultyOps, systemError } from '../../support/faults.ts';
import { all, scratch } from '../../support/volume-harness.ts';

const entry = (at: number, over: Partial<JournalEntry> = {}): JournalEntry => ({
  at,
  index: 'main',
  kind: 'removed',
  project: 'demo',
  ...over,
});
const fetched = (at: number, over: Partial<Fetched> = {}): Fetched => ({
  at,
  client: '127.0.0.1',
  index: 'main',
  project: 'demo',
  file: 'demo-1.0.tar.gz',
  sha256: 'a'.repeat(64),
  ...over,
});

async function opened() {
  const data = join(await scratch(), 'data');
  return { data, volume: await openVolume(data) };
}

describe('the journal', () => {
  it('comes back after a restart, filtered, oldest first', async () => {
    const { volume } = await opened();
    const journal = createJournal(volume);
    const full = entry(1, { file: 'f', digest: 'sha256:aa', before: 'b', after: 'a', reason: 'r', kind: 'changed' });
    for (const each of [full, entry(2, { index: 'other' }), entry(3, { project: 'x' }), entry(4)]) journal.note(each);
    await journal.close();
    const again = createJournal(volume);
    expect(await all(again.read())).toHaveLength(4);
    expect(await all(again.read({ index: 'main', project: 'demo' }))).toEqual([full, entry(4)]);
    expect((await all(again.read({ since: 3 }))).map(({ at }) => at)).toEqual([3, 4]);
  });

  it('holds two generations and no more', async () => {
    const { data, volume } = await opened();
    const journal = createJournal(volume, { maxBytes: 1000 });
    for (let at = 1; at <= 100; at++) {
      journal.note(entry(at));
      await all(journal.read());
    }
    const names = await readdir(join(data, 'journal'));
    expect(names).toHaveLength(2);
    for (const name of names) expect((await stat(join(data, 'journal', name))).size).toBeLessThan(1100);
    const ats = (await all(journal.read())).map(({ at }) => at);
    expect(ats.at(-1)).toBe(100);
    expect(ats).toEqual(Array.from({ length: ats.length }, (_, at) => 101 - ats.length + at));
  });

  it('of several processes is one, and a torn line costs only itself', async () => {
    const { data, volume } = await opened();
    const [one, two] = [createJournal(volume), createJournal(await openVolume(data))];
    one.note(entry(1));
    await one.close();
    await appendFile(join(data, 'journal', '1.jsonl'), '{"at":99,"index":"ma');
    two.note(entry(2));
    await two.close();
    await appendFile(join(data, 'journal', '1.jsonl'), 'garbage\n{"at":"x"}\n\n');
    one.note(entry(3));
    expect((await all(one.read())).map(({ at }) => at)).toEqual([1, 2, 3]);
  });

  it('keeps what a full disk did not take until it does, and never throws at whoever notes', async () => {
    const data = join(await scratch(), 'data');
    let full = false;
    const ops = faultyOps({
      before: ({ kind, path }) => {
        if (full && kind === 'write' && path.includes('journal')) throw systemError('ENOSPC');
      },
    });
    const journal = createJournal(await openVolume(data, { ops }));
    full = true;
    journal.note(entry(1));
    await expect(all(journal.read())).rejects.toThrow();
    journal.note(entry(2, { reason: 'x'.repeat(1_000_000) }));
    full = false;
    expect((await all(journal.read())).map(({ at }) => at)).toEqual([1, 2]);
    expect((await readFile(join(data, 'journal', '1.jsonl'))).byteLength).toBeLessThan(3000);
  });

  it('is written within its second without being asked', async () => {
    const { data, volume } = await opened();
    const journal = createJournal(volume);
    journal.note(entry(1));
    await expect
      .poll(() => readFile(join(data, 'journal', '1.jsonl'), 'utf8').catch(() => ''), { timeout: 5000 })
      .toContain('"demo"');
    await journal.close();
  });
});

describe('the access record', () => {
  it('says who fetched a file, by name and by digest', async () => {
    const { volume } = await opened();
    const access = createAccessRecord(volume);
    const other = fetched(3, { client: '::1', sha256: 'b'.repeat(64), file: 'other.whl' });
    const renamed = fetched(4, { file: 'same-bytes.whl' });
    for (const each of [fetched(1), fetched(2, { client: '10.0.0.1' }), other, renamed]) access.record(each);
    await access.close();
    const again = createAccessRecord(volume);
    expect(await all(again.whoFetched('demo-1.0.tar.gz'))).toEqual([fetched(1), fetched(2, { client: '10.0.0.1' })]);
    expect(await all(again.whoFetched('a'.repeat(64)))).toHaveLength(3);
    expect(await all(again.whoFetched('other.whl'))).toEqual([other]);
    expect(await all(again.whoFetched('none.whl'))).toEqual([]);
  });

  it('has one line for a client that fetches the same again and again', async () => {
    const { volume } = await opened();
    const access = createAccessRecord(volume);
    for (let at = 0; at <= 1200; at += 100) access.record(fetched(at));
    expect((await all(access.whoFetched('demo-1.0.tar.gz'))).map(({ at }) => at)).toEqual([0, 600, 1200]);
  });

  it('stays within its bounds', async () => {
    const { data, volume } = await opened();
    const access = createAccessRecord(volume, { maxBytes: 5000 });
    for (let round = 0; round < 10; round++) {
      for (let each = 0; each < 20; each++) access.record(fetched(round, { client: `10.0.${round}.${each}` }));
      await all(access.whoFetched('none'));
    }
    expect(await readdir(join(data, 'access'))).toHaveLength(2);
    expect((await all(access.whoFetched('demo-1.0.tar.gz'))).at(-1)?.client).toBe('10.0.9.19');
  });
});
