import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Order, Ran } from './runner.ts';

/** A run may take this many times what it took with every check in place, and this much more. */
const PATIENCE = 10;
const PATIENCE_MS = 20_000;
/** With every check in place; a file that takes longer is not asked. */
const LONGEST_MS = 240_000;

export interface Saw {
  readonly check: number;
  /** Empty where it refused outside of a test. */
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
    const lines = existsSync(seen) ? readFileSync(seen, 'utf8').split('\n').filter(Boolean) : [];
    const saw = lines.map((line) => {
      const cut = line.indexOf('\t');
      return { check: Number(line.slice(0, cut)), test: line.slice(cut + 1) };
    });
    return { ran, saw };
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

  async #run(order: Order, most: number): Promise<Ran> {
    this.#child ??= await this.#start();
    const child = this.#child;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), most);
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
