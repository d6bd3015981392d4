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
    const mirror = await startVerbatim(
      [...from, '--admin-port', '0', '--redis', `redis://127.0.0.1:${redis.port}`],
      data,
    );
    onTestFinished(() => mirror.close());
    return mirror;
  };
  const first = await start();
  const others = await Promise.all([start(), start()]);
  const asked = () => pypi.files.asked(path).length;
  return { from, path, data, first, others, asked };
}

interface Client {
  readonly path: string;
  readonly asks: RunningVerbatim;
  /** Where a balancer leads it when the other has ended; it cannot but see a reset there. */
  readonly afterwards?: RunningVerbatim;
  readonly leaves?: AbortSignal;
}

/** What a client got in the end. Whoever asks a process that lives on has no second try: nothing hides what it sees. */
async function fileOf({ path, asks, afterwards, leaves }: Client): Promise<string> {
  const got = await answered(asks, path, leaves);
  return afterwards !== undefined && leaves?.aborted === true ? answered(afterwards, path) : got;
}

async function answered({ simple, alive }: RunningVerbatim, path: string, signal?: AbortSignal): Promise<string> {
  const begun = performance.now();
  try {
    const { status, body } = await ask(new URL('/', simple).href, path, signal === undefined ? {} : { signal });
    return `${status} ${sha256Hex(body)}`;
  } catch (error) {
    const seconds = Math.round((performance.now() - begun) / 1000);
    return `${String(error)} after ${seconds} s of a process that ${alive() ? 'is there' : 'is gone'}`;
  }
}

/** Clients that the process has accepted, by its own count. */
async function connectionsOf({ metrics }: RunningVerbatim): Promise<number> {
  const text = await (await fetch(metrics ?? '')).text();
  return Number(/^verbatim_connections_open (\d+)$/m.exec(text)?.[1]);
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
  const toFirst = { path, asks: first, afterwards: second, leaves: leaving.signal };
  const own = fileOf(toFirst);
  await until(() => asked() === 1);
  const clients = Array.from({ length: CLIENTS }, (_, client) =>
    fileOf([toFirst, { path, asks: second }, { path, asks: third }][client % 3] ?? toFirst),
  );
  // All of its own wait there.
  await until(async () => (await connectionsOf(first)) > Math.ceil(CLIENTS / 3));
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
