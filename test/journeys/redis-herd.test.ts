import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { LEASE_TERM_MS } from '../../src/redis/limits.ts';
import { ask } from '../support/ask.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { fetch } from '../support/fetch.ts';
import { connected, placeOf, type RedisServer, redisServer, until } from '../support/redis.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { UnsignedBook } from '../support/unsigned-book.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';
import { scratch } from '../support/volume-harness.ts';

// Many clients ask three processes on one data directory for one cold file; the one that downloads it is killed, or stopped, in the middle.
// With a thousand clients it takes minutes: VERBATIM_TEST_HERD=1000.

const FULL = process.env['VERBATIM_TEST_HERD'];
const CLIENTS = Number(FULL ?? 60);
/** What a thousand take in one process of this machine before they count as readers that stall. */
const SIZE = FULL === undefined ? 4 * 1024 * 1024 : 512 * 1024;

const WHEEL = {
  ...tinyWheel('alpha'),
  bytes: Buffer.alloc(SIZE, 'a wheel that is large enough to be killed in the middle of '),
};
const SHA256 = sha256Hex(WHEEL.bytes);
const LATER = tinyWheel('alpha', '2.0');

const ENDS = [
  { at: 0, signal: 'SIGKILL' },
  { at: 0.1, signal: 'SIGKILL' },
  { at: 0.5, signal: 'SIGKILL' },
  { at: 0.99, signal: 'SIGKILL' },
  { at: 0.5, signal: 'SIGSTOP' },
] as const;

async function fleet(at: number) {
  const pypi = await startFakePypi();
  onTestFinished(() => pypi.close());
  const book = new UnsignedBook(pypi);
  book.upload('alpha', WHEEL);
  book.together();
  const path = pypi.storedAt(WHEEL);
  // Whoever asks first hears no more at that place, for ever.
  pypi.files.fault(path, { kind: 'stall', at: at === 0 ? 'headers' : Math.floor(SIZE * at) }, 1);
  const redis = await redisServer('--notify-keyspace-events', 'E$gx');
  const leases = await eventsOfLeases(redis);
  const data = await scratch();
  const from = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
  const start = async () => {
    const mirror = await startVerbatim(
      [...from, '--max-age', '0', '--admin-port', '0', '--redis', `redis://127.0.0.1:${redis.port}`],
      data,
    );
    onTestFinished(() => mirror.close());
    return mirror;
  };
  const first = await start();
  const others = await Promise.all([start(), start()]);
  const asked = () => pypi.files.asked(path).length;
  return { book, redis, leases, from, path, data, first, others, asked };
}

/** What becomes of keys of leases, in the order in which Redis did it: taken or prolonged, ended by its term, given up. */
async function eventsOfLeases(redis: RedisServer): Promise<readonly (readonly [what: string, key: string])[]> {
  const { connection } = await connected(placeOf(redis));
  const heard: (readonly [string, string])[] = [];
  const kinds = ['set', 'expired', 'del'];
  for (const kind of kinds)
    connection.listen(`__keyevent@0__:${kind}`, (message) => {
      const key = message.toString();
      if (key.startsWith('verbatim:lease:')) heard.push([kind, key]);
    });
  const listens = async () =>
    (await redis.command('PUBSUB', 'NUMSUB', ...kinds.map((kind) => `__keyevent@0__:${kind}`))).match(/:1\r/g);
  await until(async () => (await listens())?.length === kinds.length);
  return heard;
}

interface Client {
  readonly book: UnsignedBook;
  readonly path: string;
  readonly asks: RunningVerbatim;
  /** Where a balancer leads it when the other has ended; it cannot but see a reset there. */
  readonly afterwards?: RunningVerbatim;
  readonly leaves?: AbortSignal;
}

/** What a client got in the end. Whoever asks a process that lives on has no second try: nothing hides what it sees. */
async function fileOf({ book, path, asks, afterwards, leaves }: Client): Promise<string> {
  const got = await answered(book, asks, path, leaves);
  return afterwards !== undefined && leaves?.aborted === true ? answered(book, afterwards, path) : got;
}

async function answered(
  book: UnsignedBook,
  { simple, pid, alive }: RunningVerbatim,
  path: string,
  signal?: AbortSignal,
): Promise<string> {
  const begun = performance.now();
  try {
    let answer = '';
    await book.answer(`process ${pid}`, 'alpha', async () => {
      const { status, body } = await ask(new URL('/', simple).href, path, signal === undefined ? {} : { signal });
      const sha256 = sha256Hex(body);
      answer = `${status} ${sha256}`;
      return status === 200 ? { thing: WHEEL.filename, sha256 } : undefined;
    });
    return answer;
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

/** A lease that its holder does not prolong any more ends now: what was left of its term is returned, and not waited for. Milliseconds. */
async function endLease(redis: RedisServer): Promise<number> {
  const [key = '', ...others] = (await redis.command('KEYS', 'verbatim:lease:*')).match(/verbatim:lease:\w+/g) ?? [];
  if (others.length > 0) throw new Error('the download alone is under a lease');
  const left = Number((await redis.command('PTTL', key)).slice(1));
  await redis.command('PEXPIRE', key, '1');
  return left;
}

async function meet({ at, signal }: (typeof ENDS)[number]): Promise<object> {
  const { book, redis, leases, from, path, data, first, others, asked } = await fleet(at);
  const [second, third] = others;
  if (second === undefined || third === undefined) throw new Error('three were started');
  const leaving = new AbortController();
  const toFirst = { book, path, asks: first, afterwards: second, leaves: leaving.signal };
  const own = fileOf(toFirst);
  await until(() => asked() === 1);
  const clients = Array.from({ length: CLIENTS }, (_, client) =>
    fileOf([toFirst, { book, path, asks: second }, { book, path, asks: third }][client % 3] ?? toFirst),
  );
  // All of its own wait there.
  await until(async () => (await connectionsOf(first)) > Math.ceil(CLIENTS / 3));
  process.kill(first.pid, signal);
  leaving.abort();
  const left = await endLease(redis);
  const answers = new Set(await Promise.all([own, ...clients]));
  const [downloads, blobs] = [asked(), await blobsIn(data)];
  await until(() => leases.at(-1)?.[0] === 'del');
  const lease = leases.map(([what]) => what).join(' ');
  // Upstream goes on, and both that are left with it.
  book.upload('alpha', LATER);
  for (const { simple, pid } of others) await book.caughtUp({ replica: `process ${pid}`, simple }, 'alpha');
  if (signal === 'SIGSTOP') process.kill(first.pid, 'SIGCONT');
  await Promise.all([first, ...others].map((mirror) => mirror.close()));
  const { code } = await verbatim('verify', ...from, '--data', data);
  // Nothing is lost: both files are served where upstream is not asked.
  const offline = await startVerbatim([...from, '--offline'], data);
  onTestFinished(() => offline.close());
  for (const { filename } of [WHEEL, LATER])
    await book.take({ replica: 'another process', simple: offline.simple }, 'alpha', filename);
  book.holds(CLIENTS);
  return { answers, downloads, blobs, code, lease, isOfOneTerm: left > 0 && left <= LEASE_TERM_MS };
}

it.each(ENDS)(
  'a cold file is downloaded once more, by whoever finds the lease ended, where its process ends by $signal at $at of it, and nobody sees it',
  async (end) => {
    expect(await meet(end)).toEqual({
      answers: new Set([`200 ${SHA256}`]),
      downloads: 2,
      blobs: 1,
      code: 0,
      // One lease ends; who comes next has it, and gives it up when the file is there.
      lease: expect.stringMatching(/^(set )+expired (set )+del( set del)*$/),
      isOfOneTerm: true,
    });
  },
  1_200_000,
);
