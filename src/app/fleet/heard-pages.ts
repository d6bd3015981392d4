import { internalCaller } from '../../async/caller.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Emit } from '../../ports/events.ts';

/** Projects that wait to be looked at; of more, memory finds out when it asks upstream again. */
const WAITING_MOST = 10_000;

/** Has an index look at the projects that other replicas say something new of, one after the other. */
export class HeardPages {
  readonly #mirror: Pick<PackageIndex, 'name' | 'hear'>;
  readonly #emit: Emit;
  readonly #waiting = new Set<string>();
  #isWorking = false;
  #isClosed = false;

  constructor(mirror: Pick<PackageIndex, 'name' | 'hear'>, emit: Emit) {
    this.#mirror = mirror;
    this.#emit = emit;
  }

  add(project: string): void {
    if (this.#waiting.size < WAITING_MOST) this.#waiting.add(project);
    else this.#told('unusable');
    if (!this.#isWorking) void this.#work();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (const project of this.#waiting) {
      this.#waiting.delete(project);
      try {
        const heard = await this.#mirror.hear(project, internalCaller(this.#mirror.name));
        if (!this.#isClosed) this.#told(heard);
      } catch (error) {
        if (!this.#isClosed) this.#emit({ name: 'faulted', at: 'store', error });
      }
    }
    this.#isWorking = false;
  }

  #told(result: Awaited<ReturnType<PackageIndex['hear']>>): void {
    this.#emit({ name: 'heard', index: this.#mirror.name, what: 'page', result });
  }
}
