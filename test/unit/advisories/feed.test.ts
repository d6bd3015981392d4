import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ArchiveWriter, unpacked } from '../../../src/advisories/archive.ts';
import { FeedReader, readFeed } from '../../../src/advisories/feed.ts';
import { MAX_ARCHIVE, MAX_NAMED, MAX_RECORD, RECORDS_A_STEP } from '../../../src/advisories/limits.ts';
import { timeOf } from '../../../src/advisories/record.ts';
import { existing } from '../../../src/bytes/existing.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { versionKey } from '../../../src/pypi/versions.ts';
import { advisory, archiveOf, range } from '../../support/advisories.ts';

const NOW = existing(timeOf('2026-11-26T00:00:00Z'), 'a time');
const read = (archive: Uint8Array) => readFeed(archive, NOW);
const refusal = (make: () => unknown) => {
  try {
    return make();
  } catch (error) {
    return error instanceof Refusal ? error.reason : error;
  }
};
const GOOD = advisory('PYSEC-1', 'demo', range({ introduced: '0' }, { fixed: '2.0' }));
const BAD = advisory('MAL-2026-1', 'litellm', { versions: ['1.82.7', '1.82.8'] });
const npm = {
  id: 'GHSA-1',
  modified: '2026-01-01T00:00:00Z',
  affected: [{ package: { ecosystem: 'npm', name: 'x' } }],
};

/** The directory's entry of the first member. */
const entryOf = (archive: Buffer) => archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));

describe('a feed', () => {
  it('says which advisories speak of a version, and which versions mend it', () => {
    const feed = read(archiveOf([GOOD, BAD]));
    expect(feed.about('demo', '1.0').map(({ id, malware }) => [id, malware])).toEqual([['PYSEC-1', false]]);
    expect(feed.about('demo', '2.0')).toEqual([]);
    expect([...(feed.of('demo')[0]?.fixedIn ?? [])]).toEqual([versionKey('2.0')]);
    expect(feed.about('litellm', '1.82.8').map(({ id, malware }) => [id, malware])).toEqual([['MAL-2026-1', true]]);
    expect(feed.of('other')).toEqual([]);
    expect([...feed.projects]).toEqual(['demo', 'litellm']);
    expect(feed.totals).toMatchObject({ records: 2, malware: 1, withdrawn: 0, foreign: 0, unreadable: 0, named: [] });
  });

  it('has a mark for each project that changes with what is known of it and with nothing else', () => {
    const before = read(archiveOf([GOOD, BAD]));
    const after = read(archiveOf([BAD, advisory('PYSEC-2', 'demo', {}), GOOD]));
    expect(after.mark('demo')).not.toBe(before.mark('demo'));
    expect(after.mark('litellm')).toBe(before.mark('litellm'));
    expect(read(archiveOf([BAD, GOOD])).mark('demo')).toBe(before.mark('demo'));
    expect(before.mark('other')).toBe('');
  });

  it('counts what cannot be read and names the first, and reads all others', () => {
    const broken = Array.from({ length: MAX_NAMED + 5 }, () => Buffer.from('{"id": 1}'));
    const untimed = { ...BAD, id: 'MAL-2', modified: undefined };
    const { totals } = read(archiveOf([GOOD, untimed, GOOD, ...broken]));
    expect(totals).toMatchObject({ records: 1, unreadable: MAX_NAMED + 7 });
    expect(totals.named).toHaveLength(MAX_NAMED);
    expect(totals.named.slice(0, 2).map(({ why }) => why)).toEqual([
      'It does not say when it was changed.',
      'There is another PYSEC-1.',
    ]);
  });

  it('passes over other ecosystems, counted, and withdrawn advisories speak of nothing', () => {
    const withdrawn = { ...BAD, withdrawn: '2026-04-01T00:00:00Z' };
    const feed = read(archiveOf([GOOD, npm, withdrawn]));
    expect(feed.totals).toMatchObject({ records: 2, foreign: 1, withdrawn: 1, malware: 0 });
    expect(feed.about('litellm', '1.82.8')).toEqual([]);
    expect(feed.place('MAL-2026-1')).toBeDefined();
    expect(feed.place('GHSA-1')).toBeUndefined();
  });

  it('is as old as the newest change in it, whatever claims to come from the future', () => {
    const future = { ...BAD, modified: '2030-01-01T00:00:00Z' };
    expect(read(archiveOf([GOOD, future])).totals.newest).toBe(timeOf('2026-03-24T15:35:00Z'));
  });

  it.each([
    ['of other ecosystems alone', [npm]],
    ['without a record', []],
    ['of broken records alone', [Buffer.from('x')]],
  ])('%s is refused', (_, records) => {
    expect(refusal(() => read(archiveOf(records)))).toBe('format');
  });

  it('that is cut anywhere is refused whole', () => {
    const archive = archiveOf([GOOD, BAD]);
    for (let end = 0; end < archive.byteLength; end += 7)
      expect(refusal(() => read(archive.subarray(0, end)))).toBe('format');
  });

  it('that is larger than any, or unpacks to more, is refused before it is read', () => {
    expect(refusal(() => read(new Uint8Array(MAX_ARCHIVE + 1)))).toBe('limit');
    const archive = archiveOf([GOOD, BAD]);
    const first = entryOf(archive);
    archive.writeUInt32LE(0xfffffffe, first + 24);
    archive.writeUInt32LE(0xfffffffe, archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]), first + 1) + 24);
    expect(refusal(() => read(archive))).toBe('limit');
  });

  it.each<[string, (archive: Buffer, entry: number) => unknown]>([
    ['is encrypted', (archive, entry) => archive.writeUInt16LE(0x801, entry + 8)],
    ['is packed as nobody reads it', (archive, entry) => archive.writeUInt16LE(12, entry + 10)],
    ['states another checksum', (archive, entry) => archive.writeUInt32LE(1, entry + 16)],
    ['states too few bytes', (archive, entry) => archive.writeUInt32LE(10, entry + 24)],
    ['states too many bytes', (archive, entry) => archive.writeUInt32LE(5_000, entry + 24)],
    ['states more bytes than a record may have', (archive, entry) => archive.writeUInt32LE(MAX_RECORD + 1, entry + 24)],
    ['is not where the directory says', (archive) => archive.writeUInt32LE(0, 0)],
    ['reaches past the end', (archive) => archive.writeUInt16LE(0xffff, 28)],
    ['is damaged', (archive) => archive.fill(0xff, 50, 60)],
  ])('of which one member %s reads the other', (_, damage) => {
    const archive = archiveOf([BAD, GOOD]);
    damage(archive, entryOf(archive));
    const { totals } = read(archive);
    expect(totals).toMatchObject({ records: 1, unreadable: 1, named: [{ name: 'MAL-2026-1.json' }] });
  });

  it('is not unpacked where a member states more than a record may have', () => {
    const archive = archiveOf([BAD, GOOD]);
    archive.writeUInt32LE(MAX_RECORD + 1, entryOf(archive) + 24);
    expect(read(archive).totals.named[0]?.why).toContain('unpacks to, more than');
  });

  it('is not unpacked where it has more bytes than a record may have', () => {
    const packed = archiveOf([randomBytes(MAX_RECORD), GOOD]);
    expect(read(packed).totals.named[0]?.why).toContain('it has, or unpacks to, more than');
  });

  it('that lies at the very end of its archive is looked for within it', () => {
    const archive = archiveOf([BAD, GOOD]);
    const entry = archive.indexOf(Buffer.from([0x50, 0x4b, 1, 2]), entryOf(archive) + 1);
    const { totals } = read(archive);
    expect(totals.records).toBe(2);
    // A member of no bytes in the last 30 before the directory.
    archive.writeUInt32LE(entryOf(archive) - 10, entry + 42);
    archive.writeUInt32LE(0, entry + 20);
    expect(read(archive).totals).toMatchObject({ records: 1, unreadable: 1 });
  });

  it('is read some records at a time, and gives the place of each', () => {
    const many = Array.from({ length: RECORDS_A_STEP + 1 }, (_, at) => advisory(`PYSEC-${at}`, `p${at}`, {}));
    const archive = archiveOf(many);
    const reader = new FeedReader(archive, NOW);
    expect(reader.next()).toMatchObject({ done: false, places: { length: RECORDS_A_STEP } });
    const { places, done } = reader.next();
    expect([places.length, done]).toEqual([1, true]);
    const [id, place] = existing(places[0], 'the last record');
    const packed = archive.subarray(place.offset, place.offset + place.compressed);
    expect(JSON.parse(Buffer.from(unpacked(packed, place)).toString())).toMatchObject({ id });
    packed.fill(0);
    expect(refusal(() => unpacked(packed, place))).toBe('digest');
  });

  it('may hold members that are stored as they are', () => {
    const bytes = Buffer.from('{}');
    const place = { offset: 0, compressed: 2, size: 2, method: 0, crc: crc32(bytes) };
    expect(unpacked(bytes, place)).toEqual(bytes);
    expect(refusal(() => unpacked(Buffer.from('[]'), place))).toBe('digest');
    expect(refusal(() => unpacked(bytes, { ...place, size: 3 }))).toBe('digest');
  });

  it('is packed of a folder up to what an archive has numbers for', () => {
    const writer = new ArchiveWriter(2);
    const one = Buffer.from('{}');
    for (const name of ['a.json', 'b.json']) writer.add(name, one);
    expect(refusal(() => writer.add('c.json', one))).toBe('limit');
  });
});
