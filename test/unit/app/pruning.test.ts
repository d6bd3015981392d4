import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PruneRequest, PruneSpared } from '../../../src/app/control/requests.ts';
import { refusing } from '../../../src/app/open-index.ts';
import { createCommonHandle } from '../../../src/app/processes/common-handle.ts';
import type { PrunePlace } from '../../../src/app/pruning/needed.ts';
import { type PrunePlan, planPrune } from '../../../src/app/pruning/plan.ts';
import { whileHeldStays, whileNothingCounts } from '../../../src/app/pruning/under-way.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { report } from '../../../src/cli/carry/prune.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { WorkMarks } from '../../../src/disk/bundles/work-marks.ts';
import { nodeFileOps } from '../../../src/disk/file-ops.ts';
import { faultyOps, systemError } from '../../support/faults.ts';
import { openStore, refusalOf, scratch } from '../../support/volume-harness.ts';

// What a prune refuses, and who is asked of it.

const nobody = async (): Promise<never> => {
  throw new Error('nobody asks for this');
};

/** A data directory without any index, and a store that is empty. */
async function place(over: Partial<PrunePlace> = {}): Promise<PrunePlace> {
  const { data, volume, blobs } = await openStore();
  const config = { ...loadConfig({ env: {}, flags: { data } }), indexes: {} };
  const relayed = () => ({ read: nobody, stored: nobody, keep: nobody, forget: nobody });
  const storage = { alias: async () => undefined };
  return { indexes: [], states: new Map(), relayed, operator: { config, storage }, blobs, volume, ...over };
}

describe('nothing goes', () => {
  it('where all of it was looked at, and nothing is there', async () => {
    expect(await planPrune(await place())).toMatchObject({ digests: [], total: { files: 0, bytes: 0 } });
  });

  it('where an index lies there that the configuration does not name', async () => {
    const there = await place();
    await mkdir(join(there.volume.root, 'indexes', 'other'), { recursive: true });
    expect(await refusalOf(planPrune(there))).toMatchObject({ reason: 'state' });
  });

  it('where what an index remembers is damaged', async () => {
    const refusal = new Refusal('state', 'damaged', { subject: 'state' });
    const config = loadConfig({ env: {}, flags: { data: await scratch() } }).indexes['main'];
    if (config === undefined) throw new TypeError('there is a main index');
    const damaged = refusing(config, refusal, () => undefined);
    expect(await refusalOf(planPrune(await place({ indexes: [damaged] })))).toMatchObject({
      reason: 'state',
      message: expect.stringContaining('damaged'),
    });
  });

  it('where what is stored could not be listed', async () => {
    const there = await place();
    const { pruning, content } = { pruning: there.blobs.pruning, content: nobody };
    const usage = { ...there.blobs.usage(), scanned: false };
    const blobs = { pruning, content, scanned: Promise.resolve(), usage: () => usage };
    expect(await refusalOf(planPrune({ ...there, blobs }))).toMatchObject({ reason: 'state', transient: true });
  });

  it.each(['import', 'sync', 'prune'] as const)('while another %s is under way', async (work) => {
    const root = await scratch();
    const mark = await new WorkMarks(nodeFileOps, root).begin(work);
    let ran = 0;
    const run = () => whileNothingCounts({ ops: nodeFileOps, root }, async () => ++ran);
    expect(await refusalOf(run())).toMatchObject({ reason: 'state', transient: true });
    await mark.end();
    expect([await run(), ran]).toEqual([1, 1]);
  });
});

it('what counts on contents waits for a prune, and gives up with its signal', async () => {
  const root = await scratch();
  const mark = await new WorkMarks(nodeFileOps, root).begin('prune');
  const leaving = new AbortController();
  const waiting = whileHeldStays({ ops: nodeFileOps, root }, 'sync', async () => 'ran', leaving.signal);
  leaving.abort(new Error('left'));
  await expect(waiting).rejects.toThrow();
  const other = whileHeldStays({ ops: nodeFileOps, root }, 'import', async () => 'ran');
  await mark.end();
  expect(await other).toBe('ran');
});

it('a mark that cannot be made is no mark', async () => {
  const ops = faultyOps({
    before({ kind }) {
      if (kind === 'make-directory') throw systemError('EACCES');
    },
  });
  await expect(new WorkMarks(ops, await scratch()).begin('sync')).rejects.toThrow('EACCES');
});

it('the mark of a process that is gone is passed over, and goes', async () => {
  const root = await scratch();
  const marks = new WorkMarks(nodeFileOps, root);
  const mark = await marks.begin('sync');
  const [name = ''] = await nodeFileOps.list(join(root, 'work'));
  const gone = name.replace(/^(sync-[0-9a-z]+-[0-9]+)-[0-9]+-[0-9]+-/, '$1-1-999999999999-');
  await (await nodeFileOps.openNew(join(root, 'work', gone), 0o600)).close();
  expect(await marks.underWay(['sync'])).toBe(1);
  expect(await nodeFileOps.list(join(root, 'work'))).toEqual([name]);
  await mark.end();
  expect(await marks.underWay(['sync'])).toBe(0);
});

it('files that could not be removed end it as a failure, after all is said', () => {
  const said: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  const count = { files: 3, bytes: 30 };
  const plan: PrunePlan = {
    digests: [],
    total: count,
    goes: new Map([['unnamed', count]]),
    byIndex: new Map([['main', count]]),
    stays: new Map([['unjudged', count]]),
    unjudged: new Map([['main', 'why']]),
    pagesNotAtHand: 2,
  };
  const pruned = { files: 1, bytes: 10, spared: 1, failed: 0 };
  const how = { dryRun: false, json: false };
  expect(() => report({ plan, pruned: undefined }, { ...how, dryRun: true })).not.toThrow();
  expect(() => report({ plan, pruned }, how)).not.toThrow();
  expect(() => report({ plan, pruned: { ...pruned, failed: 1 } }, how)).toThrow(Refusal);
  expect(said.join('')).toMatch(
    /would drop 3 files, 30 bytes.*of main only what is known to be old goes: why.*1 stay/s,
  );
  expect(said.join('')).toContain('2 pages are not at hand');
});

describe('the words of a step', () => {
  const step = { step: 'spared', watch: 'w', digests: ['0'.repeat(64)] };

  it.each([
    ['a watch without end', { ...step, watch: 'w'.repeat(101) }],
    ['what is no digest', { ...step, digests: ['../x'] }],
    ['too many at once', { ...step, digests: Array.from({ length: 1001 }, () => '0'.repeat(64)) }],
    ['another step', { ...step, step: 'all' }],
  ])('are not %s', (_, words) => {
    expect(PruneRequest.safeParse(step).success).toBe(true);
    expect(PruneRequest.safeParse(words).success).toBe(false);
  });

  it('are asked of each worker where all must know or say, and of one where something is done', async () => {
    const asked: string[] = [];
    const worker = (name: string, spared: readonly string[]) => ({
      async command(line: string) {
        const { with: about } = JSON.parse(line);
        asked.push(`${name} ${about.step}`);
        return `${JSON.stringify({ verbatim: 1, answer: about.step === 'spared' ? { spared } : { files: 1 } })}\n`;
      },
    });
    const [one, two] = ['1'.repeat(64), '2'.repeat(64)];
    const workers = [worker('a', [one]), worker('b', [one, two])];
    const handle = createCommonHandle(
      () => workers,
      () => ({
        pid: 1,
        version: '1',
        startedAt: 0,
        workers: { configured: 2, answering: 2 },
        connections: { waiting: 0, refused: 0, open: 0, limit: 0 },
      }),
    );
    await handle('prune', { step: 'begin', watch: 'w' });
    expect(PruneSpared.parse(await handle('prune', { ...step, digests: [one, two] })).spared).toEqual([one, two]);
    expect(await handle('prune', { step: 'drop', watch: 'w', digests: [] })).toEqual({ files: 1 });
    expect(asked).toEqual(['a begin', 'b begin', 'a spared', 'b spared', 'a drop']);
  });
});
