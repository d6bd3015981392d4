import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { ask } from '../support/ask.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { redisServer, until } from '../support/redis.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';
import { scratch } from '../support/volume-harness.ts';

// Many clients ask three processes on one data directory for one cold file; the one that downloads it is killed, or stopped, in the middle.
// The whole table with a thousand clients takes minutes: VERBATIM_TEST_HERD=1000.

const FULL = process.env['VERBATIM_TEST_HERD'];
const CLIENTS = Number(FULL ?? 60);
/** What a thousand take in one process of this machine before they count as readers that stall. */
const SIZE = FULL === undefined ? 4 * 1024 * 1024 : 512 * 1024;

const WHEEL = {
  ...tinyWheel('alpha'),
  bytes: Buffer.alloc(SIZE, 'a wheel that is large enough to be killed in the middle of '),
};
const SHA256 = sha256Hex(WHEEL.bytes);

const ENDS = [
  { at: 0, signal: 'SIGKILL' },
  { at: 0.1, signal: 'SIGKILL' },
  { at: 0.5, signal: 'SIGKILL' },
  { at: 0.99, signal: 'SIGKILL' },
  { at: 0.5, signal: 'SIGSTOP' },
] as const;
/** Whoever waits takes over after a lease, so that they are taken at the same time. */
const TAKEN = FULL === undefined ? ENDS.slice(2, 3).concat(ENDS.slice(4)) : ENDS;

async function fleet(at: number) {
  const pypi = await startFakePypi();
  onTestFinished(() => pypi.close());
  pypi.upload('alpha', WHEEL);
  const path = pypi.storedAt(WHEEL);
  // Whoever asks first hears no more at that place, for ever.
  pypi.files.fault(path, { kind: 'stall', at: at === 0 ? 'headers' : Math.floor(SIZE * at) }, 1);
  const redis = await redisServer();
  const data = await scratch();
  const from = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
  const start = async () => {
    const mirror = await startVerbatim([...from, '--redis', `redis://127.0.0.1:${redis.port}`], data);
    onTestFinished(() => mirror.close());
    return mirror;
  };
  const first = await start();
  const others = await Promise.all([start(), start()]);
  const asked = () => pypi.files.asked(path).length;
  return { from, path, data, first, others, asked };
}

/** A file of a client, whom a balancer leads to another process where one has ended. */
async function fileOf(
  path: string,
  first: RunningVerbatim,
  next: RunningVerbatim,
  leaves: AbortSignal,
): Promise<string> {
  const urlOf = ({ simple }: RunningVerbatim) => new URL('/', simple).href;
  try {
    return await answered(urlOf(first), path, leaves);
  } catch (error) {
    if (!leaves.aborted) throw error;
    return answered(urlOf(next), path);
  }
}

async function answered(base: string, path: string, signal?: AbortSignal): Promise<string> {
  const { status, body } = await ask(base, path, signal === undefined ? {} : { signal });
  return `${status} ${sha256Hex(body)}`;
}

async function blobsIn(data: string): Promise<number> {
  const names = await readdir(join(data, 'blobs', 'sha256'), { recursive: true });
  return names.filter((name) => name.endsWith(SHA256.slice(4)) || name.endsWith(SHA256)).length;
}

async function meet({ at, signal }: (typeof ENDS)[number]): Promise<object> {
  const { from, path, data, first, others, asked } = await fleet(at);
  const [second, third] = others;
  if (second === undefined || third === undefined) throw new Error('three were started');
  const leaving = new AbortController();
  const never = new AbortController();
  const own = fileOf(path, first, second, leaving.signal);
  await until(() => asked() === 1);
  const clients = Array.from({ length: CLIENTS }, (_, client) => {
    const mirror = [first, second, third][client % 3] ?? first;
    return fileOf(path, mirror, second, mirror === first ? leaving.signal : never.signal);
  });
  process.kill(first.pid, signal);
  leaving.abort();
  const answers = new Set(await Promise.all([own, ...clients]));
  const [downloads, blobs] = [asked(), await blobsIn(data)];
  if (signal === 'SIGSTOP') process.kill(first.pid, 'SIGCONT');
  await Promise.all([first, ...others].map((mirror) => mirror.close()));
  const { code } = await verbatim('verify', ...from, '--data', data);
  return { at, signal, answers, downloads, blobs, code };
}

/** So many clients of one fleet are enough for a machine. */
async function inTurn(ends: typeof TAKEN): Promise<readonly object[]> {
  const met: object[] = [];
  for (const end of ends) met.push(await meet(end));
  return met;
}

it('a file that is cold is downloaded once more where the process that downloads it is killed or stopped, and nobody sees it', async () => {
  const met = FULL === undefined ? await Promise.all(TAKEN.map(meet)) : await inTurn(TAKEN);
  const whole = { answers: new Set([`200 ${SHA256}`]), downloads: 2, blobs: 1 };
  expect(met).toEqual(TAKEN.map((end) => ({ ...end, ...whole, code: 0 })));
}, 1_200_000);
