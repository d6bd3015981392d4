import { describe, expect, it } from 'vitest';
import { REQUESTS_OF_ONE } from '../../../../src/disk/limits.ts';
import { type RefusedRequest, RequestsRecord } from '../../../../src/disk/records/requests-record.ts';
import { recordsOf, scratchDirectory } from '../state/rig.ts';

const DAY = 86_400;
const NOW = 20_000 * DAY;
const FILE = 'alpha-2.0.tar.gz';

const asked = (over: Partial<RefusedRequest> = {}): RefusedRequest => ({
  at: NOW,
  client: '192.0.2.1',
  index: 'main',
  project: 'alpha',
  file: FILE,
  rule: 'minimum age',
  sentence: `${FILE} is too young.`,
  until: undefined,
  ...over,
});

async function start(options: ConstructorParameters<typeof RequestsRecord>[1] = {}) {
  const records = recordsOf(await scratchDirectory());
  return {
    records,
    record: new RequestsRecord(records, options),
    beside: new RequestsRecord(records, options),
  };
}

const lines = async ({ records }: Awaited<ReturnType<typeof start>>) => {
  const found: { count: number; project: string }[] = [];
  for await (const { content } of records.lines('requests')) found.push(JSON.parse(content));
  return found;
};

describe('what was refused', () => {
  it('is one thing, however often and by however many it was asked for, with its first, its last and its newest sentence', async () => {
    const { record, beside } = await start();
    record.note(asked());
    record.note(asked({ at: NOW + 5, sentence: 'newer' }));
    record.note(asked({ at: NOW + 3, client: '192.0.2.2' }));
    // Of another worker.
    beside.note(asked({ at: NOW + DAY, client: '192.0.2.1', sentence: 'newest', until: NOW + 7 * DAY }));
    await beside.settle();
    const { sums, unnamed } = await record.sums();
    expect(sums).toEqual([
      {
        index: 'main',
        project: 'alpha',
        file: FILE,
        rule: 'minimum age',
        sentence: 'newest',
        until: NOW + 7 * DAY,
        first: NOW,
        last: NOW + DAY,
        count: 4,
        clients: new Set(['192.0.2.1', '192.0.2.2']),
      },
    ]);
    expect(unnamed).toBe(0);
  });

  it('is told apart by index, project, file and rule', async () => {
    const { record } = await start();
    for (const over of [{}, { index: 'other' }, { project: 'beta' }, { file: undefined }, { rule: 'names' }])
      record.note(asked(over));
    expect((await record.sums()).sums).toHaveLength(5);
  });

  it('takes a line when it was counted twice as often, and not one a request', async () => {
    const started = await start();
    for (let at = 0; at < 1000; at++) started.record.note(asked({ at: NOW + at }));
    await started.record.close();
    // 1, 2, 4 … 512, and the rest.
    expect((await lines(started)).map(({ count }) => count)).toEqual([1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 488]);
    expect((await started.beside.sums()).sums).toMatchObject([{ count: 1000, first: NOW, last: NOW + 999 }]);
  });

  it('of a client that asks for very many things is counted, and does not fill the record', async () => {
    const started = await start();
    for (let at = 0; at < REQUESTS_OF_ONE + 1000; at++) started.record.note(asked({ project: `p${at}` }));
    started.record.note(asked({ client: '192.0.2.2' }));
    const { sums, unnamed } = await started.record.sums();
    expect(sums).toHaveLength(REQUESTS_OF_ONE + 1);
    expect(unnamed).toBe(1000);
    expect((await lines(started)).length).toBeLessThan(REQUESTS_OF_ONE + 20);
    // What it was written down with is counted on, and on another day it begins anew.
    started.record.note(asked({ project: 'p1' }));
    started.record.note(asked({ project: 'q', at: NOW + DAY }));
    expect((await started.record.sums()).unnamed).toBe(1000);
    expect((await started.record.sums()).sums.find(({ project }) => project === 'p1')).toMatchObject({ count: 2 });
  });

  it('of whoever has most goes first, where there is no room', async () => {
    const started = await start({ maxBytes: 20_000 });
    started.record.note(asked({ client: '192.0.2.2', project: 'wanted' }));
    await started.record.settle();
    for (let at = 0; at < 300; at++) started.record.note(asked({ project: `p${at}` }));
    const { sums } = await started.record.sums();
    expect(sums.length).toBeLessThan(150);
    expect(sums.map(({ project }) => project)).toContain('wanted');
  });

  it('goes when it is older than records may be', async () => {
    const { record, records } = await start({ days: 7, now: () => NOW + 8 * DAY });
    record.note(asked());
    record.note(asked({ at: NOW + 2 * DAY, project: 'beta' }));
    expect((await record.sums()).sums.map(({ project }) => project)).toEqual(['beta']);
    await record.settle(true);
    expect(await records.count('requests')).toBe(1);
  });

  it('is counted anew each day', async () => {
    const started = await start();
    for (const at of [NOW, NOW + 1, NOW + 2, NOW + DAY]) started.record.note(asked({ at }));
    await started.record.settle();
    expect((await lines(started)).map(({ count }) => count)).toEqual([1, 1, 1, 1]);
    expect((await started.record.sums()).sums).toMatchObject([{ count: 4, first: NOW, last: NOW + DAY }]);
  });

  it('leaves out lines that are none', async () => {
    const { record, records } = await start();
    await records.append(
      'requests',
      ['{"at":1}', 'no json', JSON.stringify({ ...asked({ project: 'beta' }), count: 0 })],
      10_000,
    );
    record.note(asked());
    expect((await record.sums()).sums).toHaveLength(1);
  });
});
