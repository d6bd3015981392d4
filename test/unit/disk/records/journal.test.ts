import { describe, expect, it } from 'vitest';
import { createAccessRecord, type Fetched } from '../../../../src/disk/records/access-record.ts';
import { createJournal } from '../../../../src/disk/records/journal.ts';
import { RecordLines } from '../../../../src/disk/records/record-lines.ts';
import type { JournalEntry } from '../../../../src/ports/records.ts';
import { all } from '../../../support/volume-harness.ts';
import { recordsOf, scratchDirectory } from '../state/rig.ts';

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

describe('the journal', () => {
  it('comes back after a restart, filtered, oldest first', async () => {
    const root = await scratchDirectory();
    const journal = createJournal(recordsOf(root));
    const full = entry(1, { file: 'f', digest: 'sha256:aa', before: 'b', after: 'a', reason: 'r', kind: 'changed' });
    for (const each of [full, entry(2, { index: 'other' }), entry(3, { project: 'x' }), entry(4)]) journal.note(each);
    await journal.close();
    const again = createJournal(recordsOf(root, true));
    expect(await all(again.read())).toHaveLength(4);
    expect(await all(again.read({ index: 'main', project: 'demo' }))).toEqual([full, entry(4)]);
    expect((await all(again.read({ since: 3 }))).map(({ at }) => at)).toEqual([3, 4]);
  });

  it('stays within its bounds, and keeps the newest', async () => {
    const journal = createJournal(recordsOf(await scratchDirectory()), { maxBytes: 1000 });
    for (let at = 1; at <= 100; at++) {
      journal.note(entry(at));
      await all(journal.read());
    }
    const ats = (await all(journal.read())).map(({ at }) => at);
    expect(ats.length).toBeLessThan(40);
    expect(ats).toEqual(Array.from({ length: ats.length }, (_, at) => 101 - ats.length + at));
  });

  it('what happened once to a project stays, however much eight others change', async () => {
    const root = await scratchDirectory();
    let journal = createJournal(recordsOf(root), { maxBytes: 10_000 });
    const quiet = [entry(1, { project: 'quiet' }), entry(2, { project: 'quiet', index: 'other', kind: 'accepted' })];
    for (const each of quiet) journal.note(each);
    const flap = async (from: number) => {
      for (let at = from; at < from + 60; at++) {
        for (let each = 0; each < 8; each++)
          journal.note(entry(at, { project: `flapping-${each}`, reason: 'x'.repeat(80) }));
        await all(journal.read({ project: 'none' }));
      }
    };
    await flap(10);
    await journal.close();
    // Another process begins with a journal that is full.
    journal = createJournal(recordsOf(root), { maxBytes: 10_000 });
    await flap(100);
    const kept = await all(journal.read());
    expect(kept.filter(({ project }) => project === 'quiet')).toEqual(quiet);
    const counts = Array.from({ length: 8 }, (_, each) => kept.filter(({ project }) => project === `flapping-${each}`));
    // Each has its share, the newest of its own, and all together have no more than there is room for.
    for (const own of counts) {
      expect(own.length).toBeGreaterThan(5);
      expect(own.map(({ at }) => at)).toEqual(Array.from({ length: own.length }, (_, at) => 160 - own.length + at));
    }
    expect(kept.reduce((bytes, each) => bytes + JSON.stringify(each).length, 0)).toBeLessThanOrEqual(20_000);
  });

  it('passes over what is no entry', async () => {
    const records = recordsOf(await scratchDirectory());
    const lines = new RecordLines(records, { kind: 'journal', maxBytes: 1000 });
    lines.add({ at: 'x', index: 'main' });
    lines.add({ at: 1, index: 'main', kind: 'unheard-of', project: 'demo' });
    await lines.close();
    const journal = createJournal(records);
    journal.note(entry(2));
    expect(await all(journal.read())).toEqual([entry(2)]);
  });
});

describe('the access record', () => {
  it('says who fetched a file, by name and by digest', async () => {
    const root = await scratchDirectory();
    const access = createAccessRecord(recordsOf(root));
    const other = fetched(3, { client: '::1', sha256: 'b'.repeat(64), file: 'other.whl' });
    const renamed = fetched(4, { file: 'same-bytes.whl' });
    for (const each of [fetched(1), fetched(2, { client: '10.0.0.1' }), other, renamed]) access.record(each);
    await access.close();
    const again = createAccessRecord(recordsOf(root, true));
    expect(await all(again.whoFetched('demo-1.0.tar.gz'))).toEqual([fetched(1), fetched(2, { client: '10.0.0.1' })]);
    expect(await all(again.whoFetched('a'.repeat(64)))).toHaveLength(3);
    expect(await all(again.whoFetched('other.whl'))).toEqual([other]);
    expect(await all(again.whoFetched('none.whl'))).toEqual([]);
  });

  it('tells two users of one address apart', async () => {
    const root = await scratchDirectory();
    const access = createAccessRecord(recordsOf(root));
    const both = [fetched(1, { reader: 'user ann' }), fetched(2, { reader: 'token ci' })];
    for (const each of [...both, ...both]) access.record(each);
    await access.close();
    expect(await all(createAccessRecord(recordsOf(root, true)).whoFetched('demo-1.0.tar.gz'))).toEqual(both);
  });

  it('has one line for a client that fetches the same again and again', async () => {
    const access = createAccessRecord(recordsOf(await scratchDirectory()));
    for (let at = 0; at <= 1200; at += 100) access.record(fetched(at));
    expect((await all(access.whoFetched('demo-1.0.tar.gz'))).map(({ at }) => at)).toEqual([0, 600, 1200]);
  });

  it('stays within its bounds', async () => {
    const access = createAccessRecord(recordsOf(await scratchDirectory()), { maxBytes: 5000 });
    for (let round = 0; round < 10; round++) {
      for (let each = 0; each < 20; each++) access.record(fetched(round, { client: `10.0.${round}.${each}` }));
      await all(access.whoFetched('none'));
    }
    const found = await all(access.whoFetched('demo-1.0.tar.gz'));
    expect(found.length).toBeLessThan(100);
    expect(found.at(-1)?.client).toBe('10.0.9.19');
  });

  it('loses lines of the project that has most, and none of one that has a few', async () => {
    const access = createAccessRecord(recordsOf(await scratchDirectory()), { maxBytes: 5000 });
    access.record(fetched(0, { project: 'rare', file: 'rare.whl' }));
    for (let each = 0; each < 200; each++) access.record(fetched(each, { client: `10.0.0.${each}` }));
    expect(await all(access.whoFetched('rare.whl'))).toHaveLength(1);
    expect((await all(access.whoFetched('demo-1.0.tar.gz'))).length).toBeLessThan(50);
  });
});
