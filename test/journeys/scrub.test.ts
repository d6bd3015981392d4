import { randomBytes } from 'node:crypto';
import { chmod, open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Jobs } from '../../src/app/scrubbing/jobs.ts';
import type { Waiting } from '../../src/blobs/scrub/scrub.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What is held is read again while nobody asks for it.

const BETA = { ...tinyWheel('beta'), bytes: randomBytes(200_000) };
const NAME = sha256Hex(BETA.bytes);

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** Goes on only where somebody waits, up to an end. */
function clockTo(end: number): Waiting {
  let now = 0;
  return {
    now: () => now,
    async wait(ms, signal) {
      signal.throwIfAborted();
      if (now + ms <= end) now += ms;
      else await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  };
}

let rig: IndexRig;
const running: (Jobs | undefined)[] = [];
afterEach(async () => {
  for (const jobs of running.splice(0)) await jobs?.close();
  await rig.close();
});

function begin(how: Parameters<IndexRig['jobs']>[0] = {}) {
  const begun = rig.jobs({ waiting: clockTo(DAY - 1), ...how });
  running.push(begun.jobs);
  return begun;
}

async function holding(): Promise<void> {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('beta', BETA) });
  expect((await rig.get(rig.path(BETA))).status).toBe(200);
}

async function flip(): Promise<void> {
  const path = join(rig.data(), 'blobs', 'sha256', NAME.slice(0, 2), NAME.slice(2));
  await chmod(path, 0o644);
  const file = await open(path, 'r+');
  await file.write(Buffer.from([(BETA.bytes[100_000] ?? 0) ^ 1]), 0, 1, 100_000);
  await file.close();
}

const fetches = () => rig.pypi.files.requests.length;

it('a file that memory believes in and the disk has damaged is set aside, told, and fetched again', async () => {
  await holding();
  await flip();
  const before = fetches();
  const { jobs, numbers } = begin();
  await expect
    .poll(() => rig.events.fetchedAgain)
    .toMatchObject([{ index: 'main', project: 'beta', file: BETA.filename, sha256: NAME, result: 'fetched' }]);
  expect(fetches()).toBe(before + 1);
  expect(rig.events.rejected).toMatchObject([{ reason: 'digest', thing: NAME, at: 'disk' }]);
  await expect.poll(() => rig.events.scrubbed).toMatchObject([{ damaged: 1 }]);
  expect(numbers()).toMatchObject({ damaged: 1, last: { endedMs: expect.any(Number) } });
  expect(jobs?.scrub).toMatchObject({ damaged: 1, last: { damaged: 1 } });
  const answer = await rig.get(rig.path(BETA));
  expect(answer.body.equals(BETA.bytes)).toBe(true);
  expect(fetches()).toBe(before + 1);
});

it('offline a damaged file is set aside, and upstream is not asked', async () => {
  await holding();
  await rig.goOffline();
  await flip();
  const before = fetches();
  begin();
  await expect.poll(() => rig.events.fetchedAgain).toMatchObject([{ sha256: NAME, result: 'offline' }]);
  expect(fetches()).toBe(before);
  expect(await rig.refused(rig.path(BETA))).toBe('503 offline');
});

it('what upstream cannot give again is told as failed', async () => {
  await holding();
  await flip();
  await rig.pypi.close();
  begin();
  await expect.poll(() => rig.events.fetchedAgain).toMatchObject([{ sha256: NAME, result: 'failed' }]);
});

it('whole files stay as they are, and nothing is asked for again', async () => {
  await holding();
  const before = fetches();
  begin();
  await expect.poll(() => rig.events.scrubbed).toMatchObject([{ damaged: 0 }]);
  expect(rig.events.scrubbed[0]?.bytes).toBeGreaterThanOrEqual(BETA.bytes.byteLength);
  expect(rig.events.fetchedAgain).toEqual([]);
  expect(fetches()).toBe(before);
});

it('it can be turned off, and of several processes one does it', async () => {
  await holding();
  for (const how of [{ scrubDays: 0 }, { leads: false }]) {
    const { jobs, numbers } = begin(how);
    expect([jobs?.scrub, numbers()]).toEqual([undefined, undefined]);
  }
});
