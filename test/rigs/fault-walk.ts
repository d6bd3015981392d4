import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ask } from '../support/ask.ts';
import { ROOT } from '../support/compose.ts';
import { freePort } from '../support/free-port.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';
import { PATIENCE, type Prometheus, startPrometheus } from './prometheus.ts';

const PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };
/** Milliseconds. */
const EVERY = 250;

/** A mirror under the eyes of a Prometheus, and those who ask it all the while. */
export interface Watched {
  readonly data: string;
  /** Without a slash at the end. */
  readonly url: string;
  readonly pid: () => number;
  /** What a client on a connection of its own is answered; 0 where nobody answers. */
  readonly ask: (path: string) => Promise<number>;
  /** Path of the file that a page lists at that place. */
  readonly fileOf: (page: string, at?: number) => Promise<string>;
  /** From now on done again and again, four times a second unless stated (milliseconds), until it is called off. */
  readonly meanwhile: (act: () => unknown, every?: number) => () => void;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Fault {
  /** What fires, and beside which mirror its page is read. */
  readonly alerts: readonly (readonly [alert: string, mirror: string])[];
  /** What may follow from the same fault. */
  readonly also?: readonly (readonly [alert: string, mirror: string])[];
  readonly strike: () => Promise<unknown>;
  readonly repair: () => Promise<unknown>;
}

interface Beside {
  readonly adminPort: number;
  readonly flags: readonly string[];
}

/** Mirrors, a Prometheus that scrapes them, and faults of theirs. */
export class FaultWalk {
  readonly directory: string;
  readonly #mirrors = new Map<string, Beside & Watched>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #prometheus: Prometheus | undefined;
  #expected: ReadonlySet<string> = new Set();

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async begin(): Promise<FaultWalk> {
    return new FaultWalk(await mkdtemp(join(tmpdir(), 'verbatim-walk-')));
  }

  /** `serve FLAGS` on a data directory of its own; `flags` are also how commands beside it find it. */
  async mirror(
    name: string,
    flags: readonly string[],
    { serving = [], env = {} }: { readonly serving?: readonly string[]; readonly env?: Record<string, string> } = {},
  ): Promise<Watched> {
    const data = join(this.directory, name);
    await mkdir(data, { recursive: true });
    const [port, adminPort] = [await freePort(), await freePort()];
    const own = ['--port', `${port}`, '--admin-port', `${adminPort}`, '--log-level', 'error'];
    const url = `http://127.0.0.1:${port}`;
    let running: RunningVerbatim | undefined;
    const asking = () => ({ headers: PAGE, signal: AbortSignal.timeout(60_000) });
    const askFor = (path: string) =>
      ask(url, path, asking()).then(
        ({ status }) => status,
        () => 0,
      );
    const watched = {
      data,
      url,
      adminPort,
      flags: ['--data', data, ...flags],
      ask: askFor,
      pid: () => running?.pid ?? 0,
      async fileOf(page: string, at = 0) {
        const answer = await fetch(url + page, { headers: PAGE });
        const { files } = (await answer.json()) as { readonly files: readonly { readonly url: string }[] };
        return new URL(files[at]?.url ?? '', answer.url).pathname;
      },
      meanwhile: (act: () => unknown, every = EVERY) => {
        const timer = setInterval(() => void act(), every);
        this.#timers.add(timer);
        return () => clearInterval(timer);
      },
      async start() {
        running = await startVerbatim([...flags, ...serving, ...own], data, { env });
      },
      async stop() {
        const ending = running;
        running = undefined;
        await ending?.close();
      },
    };
    this.#mirrors.set(name, watched);
    await watched.start();
    return watched;
  }

  async watch(): Promise<Prometheus> {
    const targets = Object.fromEntries([...this.#mirrors].map(([name, { adminPort }]) => [name, adminPort]));
    this.#prometheus = await startPrometheus(join(this.directory, 'prometheus'), targets);
    return this.#prometheus;
  }

  /** But for what a machine that is busy with other things makes slow, where no fault is about that. */
  readonly firing = async (): Promise<readonly string[]> => {
    const firing = (await this.#prometheus?.firing()) ?? ['no Prometheus'];
    return firing.filter((each) => !each.startsWith('VerbatimSlowHeld ') || this.#expected.has(each));
  };

  /** What is expected fires, the page of each helps, all of it is over after the repair, and nothing else was told of meanwhile. */
  async through({ alerts, also = [], strike, repair }: Fault): Promise<void> {
    const expected = alerts.map(nameOf);
    this.#expected = new Set(expected);
    await expect.poll(this.firing, PATIENCE).toEqual([]);
    const told = new Set<string>();
    const look = async () => {
      const firing = await this.firing();
      for (const each of firing) told.add(each);
      return firing;
    };
    await strike();
    await expect.poll(() => look().then(() => [...told]), PATIENCE).toEqual(expect.arrayContaining(expected));
    for (const [alert, mirror] of alerts) {
      const { said, promised } = await this.#runbook(alert, mirror);
      expect([alert, promised]).not.toEqual([alert, '']);
      expect(said, alert).toContain(promised);
    }
    await repair();
    await expect.poll(look, PATIENCE).toEqual([]);
    const allowed = new Set([...expected, ...also.map(nameOf)]);
    expect([...told].filter((each) => !allowed.has(each))).toEqual([]);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const mirror of this.#mirrors.values()) await mirror.stop();
    await this.#prometheus?.close();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** The command of an alert's page, run beside a mirror, with what the page promises of its output. */
  async #runbook(alert: string, name: string): Promise<{ readonly said: string; readonly promised: string }> {
    const page = await readFile(join(ROOT, 'docs/runbooks', `${alert}.md`), 'utf8');
    const [, command = '', promised = ''] = /```sh\n(.*)\n```\n\nIt says, among the rest: `(.*)`\n/.exec(page) ?? [];
    const { flags, adminPort } = this.#mirrors.get(name) ?? { flags: [], adminPort: 0 };
    const quoted = flags.map((flag) => `'${flag}'`).join(' ');
    const here = command
      .replace(/^verbatim (.*) --config …/, `'${process.execPath}' '${join(ROOT, 'src/main.ts')}' $1 ${quoted}`)
      .replace(':9141/', `:${adminPort}/`);
    const said = await new Promise<string>((resolve) => {
      execFile('sh', ['-c', here], (_, stdout, stderr) => resolve(stdout + stderr));
    });
    return { said, promised };
  }
}

/** Told of all replicas together. */
const OF_ALL: ReadonlySet<string> = new Set(['VerbatimReplicasDisagree']);

function nameOf([alert, mirror]: readonly [string, string]): string {
  return OF_ALL.has(alert) ? alert : `${alert} ${mirror}`;
}
