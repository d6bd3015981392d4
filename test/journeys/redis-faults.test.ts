import { describe, expect, it } from 'vitest';
import {
  type FleetMember,
  type MakeFleet,
  type PublishingFleet,
  signedPublishing,
  unsignedPublishing,
} from '../rigs/publishing-fleets.ts';
import { type RedisServer, redisCluster, redisServer, until } from '../support/redis.ts';

// Three replicas of an index to which upstream adds releases, asked all the time, while Redis does what it may do. Each answer is explained
// by one state of upstream, none is an error, none goes down, and what was served is there in the end.

/** Publications in each run; more take longer than a test may in CI. */
const PUBLICATIONS = Number(process.env['VERBATIM_TEST_PUBLICATIONS'] ?? 6);

type Members = PublishingFleet['members'];

interface Trouble {
  readonly how: string;
  /** Replicas do not hear of each other from its begin to its end. */
  readonly parts: boolean;
  /** Of one cluster; by default one server. */
  readonly nodes?: number;
  begin(server: RedisServer): unknown;
  end(server: RedisServer, members: Members): Promise<unknown>;
}

const nothing = async () => undefined;
const isBack = (_: RedisServer, members: Members) =>
  Promise.all(members.map(({ mirror }) => until(() => mirror.events.redis.at(-1)?.up !== false)));
const start = async (server: RedisServer, members: Members) => {
  await server.start();
  await isBack(server, members);
};

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
    end: async (server, members) => {
      await server.command('PING');
      await isBack(server, members);
    },
  },
  {
    how: 'CLIENT PAUSE',
    parts: true,
    begin: (server) => server.command('CLIENT', 'PAUSE', '1000'),
    end: async (server, members) => {
      await server.command('CLIENT', 'UNPAUSE');
      await isBack(server, members);
    },
  },
  { how: 'a kill', parts: true, begin: (server) => server.kill(), end: start },
  {
    how: 'the loss of a node of its cluster',
    parts: true,
    nodes: 3,
    begin: (server) => server.kill(),
    end: async (server, members) => {
      await start(server, members);
      await until(async () => (await server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    },
  },
];

/** Asks one of them again and again until it is over. */
async function reading({ read }: PublishingFleet, member: FleetMember, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await read(member);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const agree = (fleet: PublishingFleet) =>
  Promise.all(fleet.members.map((member) => until(async () => (await fleet.releases(member)) === fleet.published())));

async function through(trouble: Trouble, server: RedisServer, fleet: PublishingFleet): Promise<void> {
  const { members, book } = fleet;
  const begins = Math.ceil(PUBLICATIONS / 2);
  let isOver = false;
  book.together();
  const readers = members.map((member) => reading(fleet, member, () => isOver));
  for (let at = 1; at <= PUBLICATIONS; at++) {
    if (at === begins) {
      if (trouble.parts) book.apart();
      await trouble.begin(server);
    }
    fleet.publish();
    // Whichever is asked, the others are to hear of it.
    await members[at % members.length]?.learn();
    const answered = book.size;
    await until(() => book.size >= answered + 3 * members.length);
    if (at !== begins + 1) continue;
    await trouble.end(server, members);
    book.together();
  }
  // Replicas that were apart are together again: the last of all is served by all.
  await agree(fleet);
  isOver = true;
  await Promise.all(readers);
}

/** With neither Redis nor upstream each of them, started anew, has what it served; and nothing of it is wrong. */
async function nothingIsLost(servers: readonly RedisServer[], fleet: PublishingFleet): Promise<void> {
  for (const member of fleet.members) await fleet.read(member);
  fleet.endUpstream();
  for (const server of servers) await server.kill();
  for (const member of fleet.members) {
    await member.mirror.restart();
    await fleet.read(member);
    expect(await fleet.releases(member)).toBe(fleet.published());
    await member.mirror.stop();
    expect(await member.mirror.verify()).toMatchObject({ holds: true });
  }
}

describe.each<readonly [string, MakeFleet]>([
  ['is signed', signedPublishing],
  ['signs nothing', unsignedPublishing],
])('three replicas of an index that %s, asked while upstream publishes', (_, make) => {
  it.each(TROUBLES)(
    'answer by what upstream had, by nothing older than another did, and lose nothing, through $how',
    async (trouble) => {
      const { nodes: count } = trouble;
      const args = ['--enable-debug-command', 'yes'];
      const servers = count === undefined ? [await redisServer(...args)] : await redisCluster(count, ...args);
      const [server] = servers;
      if (server === undefined) throw new Error('no Redis was started');
      const fleet = await make(servers.map(({ port }) => port));
      await through(trouble, server, fleet);
      await nothingIsLost(servers, fleet);
      fleet.book.holds(9 * PUBLICATIONS);
    },
  );
});
