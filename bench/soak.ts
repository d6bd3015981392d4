import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestUpstream } from '../test/support/upstream.ts';
import { Client, contentOf, digestOf, fileName, startIndex } from './support/crowd.ts';
import { withDirectory } from './support/index.ts';
import { type Running, residentMemory, run, start, VERBATIM } from './support/processes.ts';
import { atMost, compare, type Log, type Measure, milliseconds, type Row } from './support/table.ts';

/** Each of the two runs, half an hour in all; `SOAK_SECONDS` for shorter ones. */
const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 900);
/** What runs the mirror: `SOAK_NODES=/a/node:/b/node` for several. */
const NODES = process.env['SOAK_NODES']?.split(':') ?? [process.execPath];
const HONEST = 8;
const CRAWLERS = 300;
const STALLED = 40;
const LEAVERS = 10;
/** The machine is not to be at its end: what is measured is who waits for whom. */
const LEAVERS_REST_MS = 450;
/** Connections to upstream that stay open a while, and those of the clients. */
const MORE_DESCRIPTORS = 64;
const SETTLED_MS = 15_000;
/** Until all of a crowd has connected. */
const RAMP_MS = 3000;

/** Below this, times are shown and not judged: there are too few of them. */
const JUDGED_FROM = 60;

/** Honest clients alone, then beside a crawler, an index that stalls, and clients that leave: what the honest notice of it. */
export const soak: Measure = async (log) => {
  const rows: Row[] = [];
  for (const node of NODES) rows.push(...(await soakOn(node, log)));
  return rows;
};

function soakOn(node: string, log: Log): Promise<readonly Row[]> {
  return withDirectory(async (directory) => {
    const version = (await run(node, ['--version'])).stdout.trim();
    const [main, other] = [await startIndex({ stalls: false }), await startIndex({ stalls: true })];
    const mirror = await startMirror(node, directory, { main, other });
    try {
      // Everything that is loaded once is loaded.
      await honest(mirror, 'pwarm', 2);
      const before = openFiles(mirror.pid);
      const idle = residentMemory(mirror.pid) ?? 0;
      log(`soak: ${SECONDS} s of honest clients alone, node ${version}`);
      const alone = await honest(mirror, 'palone', SECONDS);
      log(`soak: ${SECONDS} s beside hostile ones, node ${version}`);
      const hostile = beginHostile(mirror.url);
      await sleep(RAMP_MS);
      const beside = await honest(mirror, 'pbeside', SECONDS);
      const most = residentMemory(mirror.pid) ?? 0;
      await hostile.end();
      const after = await settled(mirror.pid, before + MORE_DESCRIPTORS);
      const on = `soak on node ${version}`;
      return [
        percentile(on, beside, alone),
        atMost(`${on}: honest answers that were not right`, beside.wrong, 0, String, `of ${beside.answers}`),
        atMost(
          `${on}: memory over idle`,
          most - idle,
          512,
          (mib) => `${mib.toFixed(0)} MiB`,
          `idle ${idle.toFixed(0)} MiB`,
        ),
        atMost(`${on}: descriptors left open`, after - before, MORE_DESCRIPTORS, String, `${before} before`),
      ];
    } finally {
      await mirror.stop();
      await Promise.all([main.close(), other.close()]);
    }
  });
}

function percentile(on: string, beside: Noticed, alone: Noticed): Row {
  const row = compare({
    what: `${on}: 99th percentile of honest answers, cold and warm, beside hostile clients`,
    ours: beside.p99,
    beside: ['without them', alone.p99],
    show: milliseconds,
    atMost: 3,
  });
  return SECONDS < JUDGED_FROM ? { ...row, held: undefined } : row;
}

interface Soaked extends Pick<Running, 'pid' | 'stop'> {
  readonly url: string;
}

async function startMirror(
  node: string,
  directory: string,
  indexes: Readonly<Record<'main' | 'other', TestUpstream>>,
): Promise<Soaked> {
  const config = join(directory, 'verbatim.yaml');
  const lines = Object.entries(indexes).map(
    ([name, { url }]) => `  ${name}: { upstream: "${url}simple/", evidence: index, max_age: 86400 }`,
  );
  writeFileSync(config, `data: ${join(directory, 'data')}\nserver: { port: 0 }\nindexes:\n${lines.join('\n')}\n`);
  const running = start(node, [VERBATIM, 'serve', '--json', '--log-level', 'error', '--config', config]);
  const { url } = JSON.parse(await running.line()) as { readonly url: string };
  return { url, pid: running.pid, stop: running.stop };
}

interface Noticed {
  readonly p99: number;
  readonly wrong: number;
  readonly answers: number;
}

/** Each client reads pages and files that nobody read before, and a page that everybody did, one after the other. */
async function honest({ url }: Soaked, prefix: string, seconds: number): Promise<Noticed> {
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  let wrong = 0;
  const clients = Array.from({ length: HONEST }, async (_, n) => {
    const client = new Client(url, `127.2.0.${n + 1}`);
    const ask = async (path: string, isRight: (body: Buffer) => boolean) => {
      const started = performance.now();
      const { status, body } = await client.get(path).catch(() => ({ status: 0, body: Buffer.alloc(0) }));
      times.push(performance.now() - started);
      if (status !== 200 || !isRight(body)) wrong++;
    };
    for (let round = 0; performance.now() < until; round++) {
      const project = `${prefix}-${n}-${round}`;
      await ask(`/simple/${project}/`, (body) => body.includes(digestOf(project)));
      await ask(filePath('', project), (body) => body.equals(contentOf(project)));
      await ask('/simple/pwarm-0-0/', (body) => body.includes(digestOf('pwarm-0-0')));
    }
    client.close();
  });
  await Promise.all(clients);
  times.sort((a, b) => a - b);
  return { p99: times[Math.floor(times.length * 0.99)] ?? 0, wrong, answers: times.length };
}

function filePath(prefix: string, project: string): string {
  return `${prefix}/files/${project}/${digestOf(project)}/${fileName(project)}`;
}

/** All at once, until it is ended. */
function beginHostile(url: string): { end(): Promise<void> } {
  let goesOn = true;
  const clients: Client[] = [];
  const work: Promise<unknown>[] = [];
  const as = (from: string, does: (client: Client, turn: number) => Promise<unknown>) => {
    const client = new Client(url, from);
    clients.push(client);
    const keepOn = async () => {
      for (let turn = 0; goesOn; turn++) await does(client, turn).catch(() => sleep(10));
    };
    work.push(keepOn());
  };
  for (let n = 0; n < CRAWLERS; n++) as('127.3.0.1', (client, turn) => client.get(`/simple/made-up-${n}-${turn}/`));
  for (let n = 0; n < STALLED; n++) {
    as(`127.4.0.${1 + (n % 8)}`, (client) => client.get(filePath('/other', `pslow-${n}`)));
    as(`127.5.0.${1 + (n % 8)}`, (client) => client.get(`/other/simple/never-${n}/`));
  }
  for (let n = 0; n < LEAVERS; n++)
    as('127.6.0.1', async (client, turn) => {
      await client.leave(filePath('/other', `pleft-${n}-${turn}`), 50);
      await sleep(LEAVERS_REST_MS);
    });
  return {
    async end() {
      goesOn = false;
      for (const client of clients) client.close();
      await Promise.all(work);
    },
  };
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many are open when it is quiet again. */
async function settled(pid: number, most: number): Promise<number> {
  const until = performance.now() + SETTLED_MS;
  while (openFiles(pid) > most && performance.now() < until) await sleep(100);
  return openFiles(pid);
}
