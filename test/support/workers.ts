import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fetch } from './fetch.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

interface Ready {
  readonly url: string;
  readonly metrics?: string;
}

/** A `verbatim serve --workers 2` of its own process group. */
export class WorkersRun {
  readonly url: string;
  readonly metrics: string;
  readonly child: ChildProcess;
  readonly #log: AsyncIterator<string>;

  private constructor({ url, metrics = '' }: Ready, log: AsyncIterator<string>, child: ChildProcess) {
    this.url = url;
    this.metrics = metrics;
    this.child = child;
    this.#log = log;
  }

  /** Resolves when its first worker answers. Rejects where it ends before that. `onChild` has its process from the beginning. */
  static async start(
    flags: readonly string[],
    { node = process.execPath, onChild }: { readonly node?: string; readonly onChild: (child: ChildProcess) => void },
  ): Promise<WorkersRun> {
    const args = [MAIN, 'serve', '--json', '--log-format', 'json', '--workers', '2', '--port', '0', ...flags];
    const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    onChild(child);
    const log = createInterface(child.stderr)[Symbol.asyncIterator]();
    for await (const line of createInterface(child.stdout))
      if (line.startsWith('{')) return new WorkersRun(JSON.parse(line) as Ready, log, child);
    throw new Error('it ended before it listened');
  }

  /** The next line of the log that has these words. */
  async line(words: string): Promise<string> {
    for (;;) {
      const { value, done } = await this.#log.next();
      if (done === true) throw new Error(`it ended before it said "${words}"`);
      if (value.includes(words)) return value;
    }
  }

  /** Resolves when the second answers, too. */
  async all(): Promise<this> {
    await this.line('worker 2 answers');
    return this;
  }

  get workers(): readonly number[] {
    const { pid } = this.child;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  }
}

/** What ends in order within this time is not killed. Milliseconds. */
const ORDERLY_MS = 20_000;

/** Ends what still runs, and waits for that. */
export async function endWorkers(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const killing = setTimeout(() => child.kill('SIGKILL'), ORDERLY_MS);
  await ended;
  clearTimeout(killing);
}

/** Over a connection of its own, which another worker has than the one before: of equals whoever was given none for longest is next. */
export function askAnew(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { headers });
}
