import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { RedisConnection } from '../../src/redis/connection.ts';
import type { RedisOptions } from '../../src/redis/options.ts';
import { freePort } from './free-port.ts';
import { createRecorder } from './recorder.ts';
import { scratch } from './volume-harness.ts';

// A real redis-server on the loopback interface, of Debian's package; CI installs it.

const PROGRAM = process.env['VERBATIM_TEST_REDIS'] ?? 'redis-server';

/** Tries until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
}

export interface RedisServer {
  readonly port: number;
  /** What a server of its own command line was started with, and the process. */
  command(...parts: readonly string[]): Promise<string>;
  /** As a machine that hangs, and goes on. */
  stop(): void;
  goOn(): void;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** A server of no data on a port of its own, which ends with the test. */
export function redisServer(...args: readonly string[]): Promise<RedisServer> {
  return serverOf(['--save', '', '--appendonly', 'no', ...args]);
}

/** One that watches others, by its own configuration file. */
export function redisSentinel(file: string): Promise<RedisServer> {
  return serverOf([], [file, '--sentinel']);
}

const HOST = '127.0.0.1';
const SLOTS = 16_384;

/** So many nodes of one cluster, each of which has its share of the keys alone. */
export async function redisCluster(count: number, ...more: readonly string[]): Promise<readonly RedisServer[]> {
  const args = ['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no', '--cluster-node-timeout', '1000'];
  const nodes = await Promise.all(Array.from({ length: count }, () => redisServer(...args, ...more)));
  const [first] = nodes;
  for (const [at, node] of nodes.entries()) {
    const range = [Math.ceil((SLOTS * at) / count), Math.ceil((SLOTS * (at + 1)) / count) - 1].map(String);
    await node.command('CLUSTER', 'ADDSLOTSRANGE', ...range);
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
    if (node !== first) await node.command('CLUSTER', 'MEET', HOST, String(first?.port));
  }
  const isWhole = async (node: RedisServer) => {
    const info = await node.command('CLUSTER', 'INFO');
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`);
  };
  await until(async () => (await Promise.all(nodes.map(isWhole))).every(Boolean));
  return nodes;
}

async function serverOf(args: readonly string[], first: readonly string[] = []): Promise<RedisServer> {
  const port = await freePort();
  const directory = await scratch();
  let child: ChildProcess | undefined;
  const command = (...parts: readonly string[]) => ask(port, parts);
  const server: RedisServer = {
    port,
    command,
    stop: () => void child?.kill('SIGSTOP'),
    goOn: () => void child?.kill('SIGCONT'),
    async kill() {
      const ending = child;
      child = undefined;
      if (ending === undefined || ending.exitCode !== null) return;
      const gone = once(ending, 'exit');
      ending.kill('SIGKILL');
      await gone;
    },
    async start() {
      const own = [...first, '--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
      const started = spawn(PROGRAM, [...own, ...args], { stdio: 'ignore' });
      child = started;
      const failed = once(started, 'error').then(([error]) => {
        throw new Error('Tests of Redis need redis-server (Debian: apt-get install redis-server).', { cause: error });
      });
      failed.catch(() => undefined);
      const answers = until(async () => /PONG|NOAUTH/.test(await ask(port, ['PING']).catch(() => '')));
      await Promise.race([answers, failed]);
    },
  };
  onTestFinished(() => server.kill());
  await server.start();
  return server;
}

/** One command on a connection of its own, in the plain protocol; what comes back as it came. */
async function ask(port: number, parts: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    const bulk = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
    socket.write(`*${parts.length}\r\n${bulk.join('')}`);
    const [answer] = await once(socket, 'data');
    return String(answer);
  } finally {
    socket.destroy();
  }
}

export const NOBODY = { password: () => undefined };

export function placeOf({ port }: { readonly port: number }): RedisOptions {
  return { place: { mode: 'standalone', node: { host: '127.0.0.1', port }, database: 0 }, login: NOBODY };
}

/** Started, and closed with the test. */
export async function connected(options: RedisOptions) {
  const { events, emit } = createRecorder();
  const connection = new RedisConnection(options, emit);
  onTestFinished(() => connection.close());
  await connection.start();
  return { connection, events, emit };
}
