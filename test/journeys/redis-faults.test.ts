import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { JSON_PAGE, type SimplePage } from '../rigs/mirror.ts';
import { type SignedFleet, signedFleet } from '../rigs/signed-fleet.ts';
import { type Answer, type AnswerLog, faultsOfAnswers, type Snapshot } from '../support/answer-checker.ts';
import { type RedisServer, redisServer, until } from '../support/redis.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Three replicas of a signed index that is published again and again, asked all the time, while Redis does what it may do. Each answer
// is explained by one signed snapshot, none is an error, and none goes down.

/** Publications in each run; more take longer than a test may in CI. */
const PUBLICATIONS = Number(process.env['VERBATIM_TEST_PUBLICATIONS'] ?? 6);
/** What one serves all serve within a second; the rest is for a machine that is busy with other things. */
const WITHIN_MS = 1000 + 4000;

const wheel = (version: number) => tinyWheel('alpha', `${version}.0`);

async function fleet() {
  const server = await redisServer('--enable-debug-command', 'yes');
  const made = signedFleet(server.port, (signed) => signed.upload('alpha', wheel(1)));
  const replicas = await Promise.all(
    ['one', 'two', 'three'].map(async (name) => ({ name, mirror: await made.replica() })),
  );
  return { server, made, replicas };
}

type Named = Awaited<ReturnType<typeof fleet>>['replicas'][number];

/** What a page says: names of files and their digests, however it is drawn. */
const said = (files: readonly (readonly [name: string, sha256: string])[]) =>
  sha256Hex(Buffer.from(JSON.stringify(files)));
const saidBy = (body: Buffer) => {
  const { files }: SimplePage = JSON.parse(body.toString());
  return said(files.map(({ filename, hashes }) => [filename, hashes['sha256'] ?? '']));
};

/** What upstream has now. */
function snapshotOf({ signed }: SignedFleet, uploads: number): Snapshot {
  const { files, timestamp } = signed.repository;
  const bytes = files.get('metadata/timestamp.json');
  if (bytes === undefined) throw new Error('nothing is published');
  const wheels = Array.from({ length: uploads }, (_, at) => wheel(at + 1));
  return {
    version: timestamp.version,
    things: new Map([
      ['timestamp', [sha256Hex(bytes)]],
      ['page', [said(wheels.map((each) => [each.filename, sha256Hex(each.bytes)]))]],
      ['file', [sha256Hex(wheel(1).bytes)]],
    ]),
  };
}

/** Asks one of them again and again until it is over. */
async function reading({ name, mirror }: Named, path: string, log: Answer[], isOver: () => boolean): Promise<void> {
  const take = async (thing: string, at: string, accept?: string) => {
    const from = performance.now();
    const { status, body } = await mirror.get(at, accept === undefined ? {} : { headers: { accept } });
    expect(`${thing} ${status}`).toBe(`${thing} 200`);
    const version = thing === 'timestamp' ? Number(JSON.parse(body.toString()).signed.version) : undefined;
    log.push({
      replica: name,
      index: 'main',
      from,
      until: performance.now(),
      thing,
      version,
      sha256: thing === 'page' ? saidBy(body) : sha256Hex(body),
    });
  };
  while (!isOver()) {
    await take('timestamp', '/tuf/metadata/timestamp.json');
    await take('page', '/simple/alpha/', JSON_PAGE);
    await take('file', path);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Trouble {
  readonly how: string;
  /** Replicas do not hear of each other from its begin to its end. */
  readonly parts: boolean;
  begin(server: RedisServer): unknown;
  end(server: RedisServer, replicas: readonly Named[]): Promise<unknown>;
}

const nothing = async () => undefined;
const isBack = (_: RedisServer, replicas: readonly Named[]) =>
  Promise.all(replicas.map(({ mirror }) => until(() => mirror.events.redis.at(-1)?.up !== false)));

const TROUBLES: readonly Trouble[] = [
  { how: 'nothing', parts: false, begin: nothing, end: nothing },
  { how: 'FLUSHALL', parts: false, begin: (server) => server.command('FLUSHALL'), end: nothing },
  {
    how: 'maxmemory 1mb',
    parts: true,
    begin: (server) => server.command('CONFIG', 'SET', 'maxmemory', '1mb'),
    end: (server) => server.command('CONFIG', 'SET', 'maxmemory', '0'),
  },
  {
    how: 'DEBUG SLEEP',
    parts: true,
    begin: (server) => void server.command('DEBUG', 'SLEEP', '1').catch(() => undefined),
    end: async (server, replicas) => {
      await server.command('PING');
      await isBack(server, replicas);
    },
  },
  {
    how: 'CLIENT PAUSE',
    parts: true,
    begin: (server) => server.command('CLIENT', 'PAUSE', '1000'),
    end: async (server, replicas) => {
      await server.command('CLIENT', 'UNPAUSE');
      await isBack(server, replicas);
    },
  },
  {
    how: 'a kill',
    parts: true,
    begin: (server) => server.kill(),
    end: async (server, replicas) => {
      await server.start();
      await isBack(server, replicas);
    },
  },
];

async function run(
  { server, made, replicas }: Awaited<ReturnType<typeof fleet>>,
  trouble: Trouble,
): Promise<AnswerLog> {
  const { signed, clock } = made;
  const path = `/${signed.filePath(wheel(1))}`;
  const answers: Answer[] = [];
  const snapshots: Snapshot[] = [];
  const together: [number, number][] = [];
  let since = performance.now();
  let isOver = false;
  snapshots.push(snapshotOf(made, 1));
  const readers = replicas.map((replica) => reading(replica, path, answers, () => isOver));
  for (let at = 1; at <= PUBLICATIONS; at++) {
    if (at === Math.ceil(PUBLICATIONS / 2)) {
      if (trouble.parts) together.push([since, performance.now()]);
      await trouble.begin(server);
    }
    signed.upload('alpha', wheel(at + 1));
    signed.publish();
    snapshots.push(snapshotOf(made, at + 1));
    clock.advance(60);
    // Whichever is asked, the others are to hear of it.
    await replicas[at % replicas.length]?.mirror.refresh();
    const asked = answers.length;
    await until(() => answers.length >= asked + 3 * replicas.length);
    if (at === Math.ceil(PUBLICATIONS / 2) + 1) {
      await trouble.end(server, replicas);
      if (trouble.parts) since = performance.now();
    }
  }
  const { version } = signed.repository.timestamp;
  // Replicas that were apart are together again: the last of all is served by all.
  for (const { mirror } of replicas)
    await until(
      async () =>
        JSON.parse((await mirror.get('/tuf/metadata/timestamp.json')).body.toString()).signed.version === version,
    );
  isOver = true;
  await Promise.all(readers);
  together.push([since, performance.now()]);
  return { answers, snapshots: new Map([['main', snapshots]]), together, withinMs: WITHIN_MS };
}

describe('three replicas that are asked while upstream publishes', () => {
  it.each(TROUBLES)('answer by signed snapshots alone, none older than another did, through $how', async (trouble) => {
    const log = await run(await fleet(), trouble);
    expect(log.answers.length).toBeGreaterThan(9 * PUBLICATIONS);
    expect(faultsOfAnswers(log)).toEqual([]);
  });
});
