import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Advisories } from '../../../../src/advisories/advisories.ts';
import { MAX_ANSWERED_BYTES, MAX_ANSWERED_IDS, MAX_QUERIES } from '../../../../src/advisories/limits.ts';
import { Packer } from '../../../../src/advisories/packed.ts';
import { readAdvisory } from '../../../../src/advisories/record.ts';
import { AdvisoryAnswers } from '../../../../src/app/advisories/answers.ts';
import { createShares } from '../../../../src/async/shares.ts';
import { advisory, archiveOf } from '../../../support/advisories.ts';
import { type KeptFeed, keepFeed } from '../../../support/kept-feed.ts';

// What HTTP cannot show of the answers: their bounds.

const EACH = Math.ceil(MAX_ANSWERED_IDS / MAX_QUERIES) + 1;
const RECORDS = Array.from({ length: EACH }, (_, at) => advisory(`PYSEC-${at}`, 'alpha', {}));
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const ALPHA = { package: { name: 'alpha', ecosystem: 'PyPI' } };

let feed: KeptFeed;
beforeAll(async () => {
  feed = await keepFeed(archiveOf(RECORDS));
});
afterAll(() => feed.close());

describe('an answer', () => {
  it('names no more ids than it may', async () => {
    const answers = new AdvisoryAnswers(feed.keeper, createShares());
    const of = (count: number) => bytes({ queries: new Array(count).fill(ALPHA) });
    await expect(answers.batch(of(MAX_QUERIES))).rejects.toMatchObject({ reason: 'limit', subject: 'request' });
    expect((await answers.batch(of(MAX_QUERIES / 2))).length).toBeGreaterThan(0);
  });

  it('has no more bytes than it may, which is known before any is read', async () => {
    const { advisories, archive } = feed.keeper.inForce ?? expect.fail();
    const packer = new Packer();
    for (const record of RECORDS) packer.add(readAdvisory(bytes(record)));
    const size = Math.ceil(MAX_ANSWERED_BYTES / EACH);
    const place = { offset: 0, compressed: 1, size, method: 0, crc: crc32('') };
    const places = new Map(RECORDS.map((_, at) => [`PYSEC-${at}`, place]));
    const large = new Advisories(advisories.totals, packer.pack(), places);
    const answers = new AdvisoryAnswers({ inForce: { advisories: large, archive } }, createShares());
    await expect(answers.query(bytes(ALPHA))).rejects.toMatchObject({ reason: 'limit', subject: 'request' });
    expect((await answers.record('PYSEC-0')).length).toBe(size);
  });

  it('has ids where the archive could not be kept, and no records', async () => {
    const { advisories } = feed.keeper.inForce ?? expect.fail();
    const answers = new AdvisoryAnswers({ inForce: { advisories, archive: undefined } }, createShares());
    expect((await answers.batch(bytes({ queries: [ALPHA] }))).length).toBeGreaterThan(0);
    const refused = { reason: 'state', subject: 'request', transient: true };
    await expect(answers.query(bytes(ALPHA))).rejects.toMatchObject(refused);
    await expect(answers.record('PYSEC-0')).rejects.toMatchObject(refused);
  });
});
