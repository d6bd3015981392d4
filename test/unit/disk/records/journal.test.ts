import { describe, expect, it } from 'vitest';
import { recordConditions } from '../../../../src/app/conditions/disk.ts';
import { createAccessRecord, type Fetched } from '../../../../src/disk/records/access-record.ts';
import { createJournal } from '../../../../src/disk/records/journal.ts';
import { RecordLines } from '../../../../src/disk/records/record-lines.ts';
import { RequestsRecord } from '../../../../src/disk/records/requests-record.ts';
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
  const isFile = (file: string) => (each: { readonly file: string }) => each.file === file;
  const DEMO = isFile('demo-1.0.tar.gz');
  const everything = () => true;

  it('says who fetched a file, on disk before it says that it is written', async () => {
    const root = await scratchDirectory();
    const access = createAccessRecord(recordsOf(root));
    const other = fetched(3, { client: '::1', sha256: 'b'.repeat(64), file: 'other.whl' });
    const renamed = fetched(4, { file: 'same-bytes.whl' });
    const all = [fetched(1), fetched(2, { client: '10.0.0.1' }), other, renamed];
    await Promise.all(all.map((each) => access.record(each)));
    // Another process reads it: nothing was closed.
    const again = createAccessRecord(recordsOf(root, true));
    const once = (each: ReturnType<typeof fetched>) => ({ ...each, last: each.at, count: 1 });
    expect(await again.fetches(DEMO)).toEqual([fetched(1), fetched(2, { client: '10.0.0.1' })].map(once));
    expect(await again.fetches(({ sha256 }) => sha256 === 'a'.repeat(64))).toHaveLength(3);
    expect(await again.fetches(isFile('other.whl'))).toEqual([once(other)]);
    expect(await again.fetches(isFile('none.whl'))).toEqual([]);
  });

  it('says that the disk takes nothing, and why, until it does; and how much of it is lost', async () => {
    const records = recordsOf(await scratchDirectory());
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    let trouble: Error | undefined = full;
    const append = records.append.bind(records);
    records.append = async (...args) => {
      if (trouble !== undefined) throw trouble;
      await append(...args);
    };
    const access = createAccessRecord(records);
    expect(access.writing).toEqual({ failures: 0, lost: 0, trouble: undefined });
    await access.record(fetched(1));
    expect(access.writing).toEqual({ failures: 1, lost: 0, trouble: 'ENOSPC' });
    expect(recordConditions('access-record', access.writing)).toMatchObject([
      { what: 'access-record', message: expect.stringContaining('(ENOSPC), and what was sent since waits') },
    ]);
    trouble = new Error('refused', { cause: Object.assign(new Error('read-only'), { code: 'EROFS' }) });
    await access.record(fetched(2, { client: '10.0.0.1' }));
    expect(access.writing).toMatchObject({ failures: 2, trouble: 'EROFS' });
    trouble = undefined;
    await access.record(fetched(3, { client: '10.0.0.2' }));
    expect(access.writing).toEqual({ failures: 2, lost: 0, trouble: undefined });
    expect(recordConditions('access-record', access.writing)).toEqual([]);
    expect(await access.fetches(DEMO)).toHaveLength(3);
    const lost = { failures: 9, lost: 7, trouble: 'ENOSPC' };
    expect(recordConditions('access-record', lost)[0]?.message).toContain('7 lines of it are lost');
  });

  it('says the same of what policy refused, which another command reads', async () => {
    const records = recordsOf(await scratchDirectory());
    const requests = new RequestsRecord(records);
    expect(recordConditions('requests-record', requests.writing)).toEqual([]);
    records.append = async () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };
    requests.note({
      at: 1,
      client: '10.0.0.1',
      index: 'main',
      project: 'alpha',
      file: undefined,
      rule: 'names',
      sentence: 'It is denied.',
      until: undefined,
    });
    await requests.close();
    expect(recordConditions('requests-record', requests.writing)).toMatchObject([
      { what: 'requests-record', message: expect.stringMatching(/\(ENOSPC\).*"verbatim requests" does not know/) },
    ]);
  });

  it('tells two users of one address apart', async () => {
    const root = await scratchDirectory();
    const access = createAccessRecord(recordsOf(root));
    const both = [fetched(1, { reader: 'user ann' }), fetched(2, { reader: 'token ci' })];
    for (const each of [...both, ...both]) await access.record(each);
    await access.close();
    const found = await createAccessRecord(recordsOf(root, true)).fetches(DEMO);
    expect(found).toMatchObject(both.map((each) => ({ ...each, count: 2 })));
  });

  it('has one entry a day for a client that fetches the same again and again, counted', async () => {
    const root = await scratchDirectory();
    const day = 86_400;
    const access = createAccessRecord(recordsOf(root));
    for (const at of [0, 100, 200, day - 1, day, day + 5]) await access.record(fetched(at));
    await access.close();
    const records = recordsOf(root, true);
    expect((await createAccessRecord(records).fetches(DEMO)).map(({ at, last, count }) => [at, last, count])).toEqual([
      [0, day - 1, 4],
      [day, day + 5, 2],
    ]);
    // The first of a day, and how often it was more.
    expect(await records.count('access')).toBe(4);
  });

  it('stays within its bounds, and loses what is oldest', async () => {
    const access = createAccessRecord(recordsOf(await scratchDirectory()), { maxBytes: 5000 });
    for (let round = 0; round < 10; round++)
      for (let each = 0; each < 20; each++) await access.record(fetched(round, { client: `10.0.${round}.${each}` }));
    const found = await access.fetches(DEMO);
    expect(found.length).toBeLessThan(100);
    expect(found.at(-1)?.client).toBe('10.0.9.19');
    await access.close();
  });

  it('loses what the client that has most was sent, and nothing of one that has a little', async () => {
    const access = createAccessRecord(recordsOf(await scratchDirectory()), { maxBytes: 5000 });
    await access.record(fetched(0, { client: '10.0.0.1' }));
    const flood = (at: number) =>
      fetched(at, { client: `2001:db8::${at}`, party: '2001:db8:0:0::/64', file: `${at}.whl` });
    for (let each = 1; each < 200; each++) await access.record(flood(each));
    expect(await access.fetches(DEMO)).toHaveLength(1);
    expect((await access.fetches(everything)).length).toBeLessThan(50);
    await access.close();
  });

  it('forgets what is older than it is told to remember', async () => {
    const day = 86_400;
    const records = recordsOf(await scratchDirectory());
    const access = createAccessRecord(records, { days: 2, now: () => 10 * day });
    await access.record(fetched(day));
    await access.record(fetched(9 * day));
    expect((await access.fetches(DEMO)).map(({ at }) => at)).toEqual([9 * day]);
    expect(await records.count('access')).toBe(1);
    await access.close();
  });
});

it('a line of the access record that counts nothing more is none', async () => {
  const records = recordsOf(await scratchDirectory());
  const lines = new RecordLines(records, { kind: 'access', maxBytes: 10_000 });
  for (const more of [-3, 2]) lines.add({ ...fetched(1), more });
  await lines.close();
  const found = await createAccessRecord(records).fetches(() => true);
  expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(2);
});
