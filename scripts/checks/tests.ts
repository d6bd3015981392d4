import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Order, Ran } from './runner.ts';

/** A run may take this many times what it took with every check in place, and this much more. */
const PATIENCE = 10;
const PATIENCE_MS = 20_000;
/** With every check in place; a file that takes longer is not asked. */
const LONGEST_MS = 240_000;

const LONGEST_REPEATS_MS = 900_000;
/** A trial that takes longer loops. */
const STANDS_STILL_MS = 30_000;

export interface Saw {
  readonly check: number;
  /** Empty where it refused outside of a test. */
  readonly test: string;
  /** In the process of the test, and not in one that it started, or in a thread. */
  readonly isHere: boolean;
}

/** What a test did without a check; `differs`: it does not run twice in one process. */
export interface Trial {
  readonly check: number;
  readonly end: 'misses' | 'passes' | 'differs';
  readonly test: string;
}

/** Runs tests of an instrumented copy, with all checks or without one. */
export class Tests {
  readonly #copy: string;
  #child: ChildProcess | undefined;

  constructor(copy: string) {
    this.#copy = copy;
  }

  /** With every check in place; tells which tests made which checks refuse. */
  async watch(order: Order): Promise<{ readonly ran: Ran; readonly saw: readonly Saw[] }> {
    const seen = join(this.#copy, 'checks-seen');
    rmSync(seen, { force: true });
    this.#control({ seen });
    const ran = await this.#run(order, LONGEST_MS);
    const saw = linesOf(seen).map(([check, place, ...test]) => ({
      check: Number(check),
      test: test.join('\t'),
      isHere: place === 'here',
    }));
    return { ran, saw };
  }

  /** Runs tests of a file again and again, each time without another check: by test, those to try. Tells what came of each that was tried. */
  async repeat(
    file: string,
    plan: Readonly<Record<string, readonly number[]>>,
  ): Promise<{ readonly ran: Ran; readonly trials: readonly Trial[] }> {
    const [planned, tried] = [join(this.#copy, 'checks-plan.json'), join(this.#copy, 'checks-tried')];
    rmSync(tried, { force: true });
    this.#control({});
    writeFileSync(planned, JSON.stringify(plan));
    const ran = await this.#run({ file }, LONGEST_REPEATS_MS, tried);
    rmSync(planned);
    const trials = linesOf(tried).map(([check, end, ...test]) => ({
      check: Number(check),
      end: end as Trial['end'] | 'begins',
      test: test.join('\t'),
    }));
    const last = trials.at(-1);
    // It loops, or ended the process.
    const ended = last?.end === 'begins' ? [{ ...last, end: 'misses' as const }] : [];
    return { ran, trials: [...trials, ...ended].filter((trial): trial is Trial => trial.end !== 'begins') };
  }

  /** Without one check. `usual` is what the run takes with it. */
  without(check: number, order: Order, usual: number): Promise<Ran> {
    this.#control({ removed: check });
    return this.#run(order, usual * PATIENCE + PATIENCE_MS);
  }

  close(): void {
    const { pid } = this.#child ?? {};
    this.#child = undefined;
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  }

  #control(control: object): void {
    writeFileSync(join(this.#copy, 'checks.json'), JSON.stringify(control));
    writeFileSync(join(this.#copy, 'checks-test'), '');
  }

  /** `progress`: a file that grows as long as the run gets on. */
  async #run(order: Order, most: number, progress?: string): Promise<Ran> {
    this.#child ??= await this.#start();
    const child = this.#child;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), most);
    let size = 0;
    const watching =
      progress === undefined
        ? undefined
        : setInterval(() => {
            const now = existsSync(progress) ? statSync(progress).size : 0;
            if (now === size) patience.abort();
            size = now;
          }, STANDS_STILL_MS);
    try {
      child.send(order);
      const [ran] = (await Promise.race([
        once(child, 'message', { signal: patience.signal }),
        once(child, 'exit', { signal: patience.signal }).then(() => {
          throw new Error('the runner ended');
        }),
      ])) as [Ran];
      return ran;
    } catch (error) {
      this.close();
      return { ok: false, ms: most, failed: patience.signal.aborted ? 'it hangs' : String(error) };
    } finally {
      clearTimeout(timer);
      clearInterval(watching);
      patience.abort();
    }
  }

  /** A group of its own: what a test started ends with it. */
  async #start(): Promise<ChildProcess> {
    const child = fork(join(this.#copy, 'scripts/checks/runner.ts'), [this.#copy], {
      cwd: this.#copy,
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return child;
  }
}

function linesOf(path: string): readonly (readonly string[])[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'));
}
