import { afterEach, expect, it } from 'vitest';
import { Schedules, type Waiting } from '../../../src/app/syncing/schedules.ts';
import { OwnLease } from '../../../src/blobs/own-lease.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { SyncJob } from '../../../src/config/sync.ts';
import { nodeFileOps } from '../../../src/disk/file-ops.ts';
import { type IndexRig, startIndexRig } from '../../rigs/index-rig.ts';
import { createRecorder } from '../../support/recorder.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// What the configuration has a schedule for is done when it is due, at a clock that a test moves.

const BETA = tinyWheel('beta');
const MIDNIGHT = Date.UTC(2026, 10, 26);
const HOUR = 3_600_000;

const JOB: SyncJob = {
  name: 'nightly',
  schedule: '30 3 * * *',
  jitter: 0,
  index: 'main',
  projects: ['beta'],
  requirements: [],
  locks: [],
  sboms: [],
  listed: false,
  held: false,
  environments: [],
  excludePlatforms: [],
  blocklist: [],
  parallel: 4,
  largerThanRoom: false,
};

/** A clock that goes on only where somebody waits, until a time at which it stands still. */
function clockTo(end: number, random = 0): Waiting & { readonly waits: readonly number[] } {
  let now = MIDNIGHT;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    random: () => random,
    async wait(ms, signal) {
      waits.push(ms);
      if (now + ms <= end) now += ms;
      else await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  };
}

const nothing = async () => undefined;

let rig: IndexRig;
let schedules: Schedules;
afterEach(async () => {
  await schedules.close();
  await rig.close();
});

async function begin(waiting: Waiting, job: Partial<SyncJob> = {}, lease?: OwnLease) {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('beta', BETA) });
  const { emit, events } = createRecorder();
  schedules = new Schedules({
    config: {
      ...loadConfig({ env: {}, flags: { data: rig.data() } }),
      sync: { holdDays: 30, environments: new Map(), jobs: [{ ...JOB, ...job }] },
    },
    composition: {
      indexes: [rig.index()],
      states: new Map(),
      volume: { ops: nodeFileOps, root: rig.data() },
      operator: { now: () => 0, storage: { alias: async () => undefined } },
      relayed: () => ({ read: nothing, stored: nothing, keep: async () => {}, forget: async () => {} }),
    },
    emit,
    lease,
    waiting,
  });
  return events;
}

it('is done each time it is due, and told', async () => {
  const events = await begin(clockTo(MIDNIGHT + 50 * HOUR));
  await expect.poll(() => events.synced.length).toBe(2);
  expect(events.synced.map(({ job, result, fetched }) => [job, result, fetched])).toEqual([
    ['nightly', 'whole', 1],
    ['nightly', 'whole', 0],
  ]);
  await expect.poll(() => schedules.status[0]?.next).toBe((MIDNIGHT + 51.5 * HOUR) / 1000);
  expect(schedules.status).toMatchObject([
    { job: 'nightly', running: false, last: { at: (MIDNIGHT + 27.5 * HOUR) / 1000, result: 'whole' } },
  ]);
});

it('begins later by as much as the dice say, and in steps that a timer can wait', async () => {
  const clock = clockTo(MIDNIGHT + 4 * HOUR, 0.5);
  const events = await begin(clock, { jitter: 600 });
  await expect.poll(() => events.synced.length).toBe(1);
  expect(clock.waits[0]).toBe(3.5 * HOUR + 300_000);
  await schedules.close();
  const yearly = clockTo(MIDNIGHT + 24 * HOUR);
  await rig.close();
  await begin(yearly, { schedule: '0 0 1 1 *' });
  await expect.poll(() => yearly.waits.length).toBe(1);
  expect(yearly.waits).toEqual([2 ** 31 - 1]);
});

it('what is missing is told with its first name', async () => {
  const events = await begin(clockTo(MIDNIGHT + 4 * HOUR), { projects: ['nowhere'] });
  await expect.poll(() => events.synced.length).toBe(1);
  expect(events.synced).toMatchObject([{ result: 'missing', missing: 1, why: expect.stringMatching(/^nowhere: /) }]);
});

it('what cannot begin is told, and is tried again when it is due next', async () => {
  const events = await begin(clockTo(MIDNIGHT + 28 * HOUR), { requirements: ['/nowhere/r.txt'] });
  await expect.poll(() => events.synced.map(({ result }) => result)).toEqual(['failed', 'failed']);
  expect(events.noted[0]?.message).toBe(
    'the sync nightly did not begin or end: /nowhere/r.txt cannot be read (ENOENT).',
  );
});

it('one replica does it, and holds it until no other begins it for the same time', async () => {
  const lease = new OwnLease();
  const other = await lease.take('sync nightly');
  const events = await begin(clockTo(MIDNIGHT + 50 * HOUR), {}, lease);
  await expect.poll(() => events.synced.map(({ result }) => result)).toEqual(['elsewhere', 'elsewhere']);
  if (other.held) await other.release();
  await schedules.close();
  await rig.close();
  const clock = clockTo(MIDNIGHT + 3.5 * HOUR);
  const ours = await begin(clock, { jitter: 600 }, lease);
  await expect.poll(() => ours.synced.map(({ result }) => result)).toEqual(['whole']);
  // A minute beyond the latest that the jitter allows.
  await expect.poll(() => clock.waits.at(-1)).toBe(660_000);
  expect(await lease.take('sync nightly')).toMatchObject({ held: false });
});
