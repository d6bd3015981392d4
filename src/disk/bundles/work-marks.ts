import { join } from 'node:path';
import { codeOf, type FileOps, WRITABLE } from '../file-ops.ts';
import { FOREIGN_MARK_MS } from '../limits.ts';
import { newOwnerName, ownerState } from '../owner.ts';
import { listOrNothing } from '../walk.ts';

/** What counts on contents staying where they are, what removes them, and what takes in advisories. */
export type Work = 'import' | 'sync' | 'prune' | 'advisories';

export interface WorkMark {
  end(): Promise<void>;
}

/** How often a mark is written anew, for processes that cannot see whose it is. Milliseconds. */
const RENEWED_EVERY_MS = 60_000;

/** Which work is under way in a data directory, by whatever process: a file for each below `work/`. */
export class WorkMarks {
  readonly #ops: FileOps;
  readonly #root: string;

  constructor(ops: FileOps, root: string) {
    this.#ops = ops;
    this.#root = root;
  }

  /** Others see it when this resolves. What processes that are gone left goes. */
  async begin(work: Work): Promise<WorkMark> {
    const ops = this.#ops;
    await ops.makeDirectory(this.#folder).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    const path = join(this.#folder, `${work}-${newOwnerName()}`);
    await (await ops.openNew(path, WRITABLE)).close();
    const renewing = setInterval(() => void renew(ops, path), RENEWED_EVERY_MS).unref();
    return {
      async end() {
        clearInterval(renewing);
        await ops.unlink(path).catch(() => undefined);
      },
    };
  }

  /** How many of these are under way, this process's own included. */
  async underWay(works: readonly Work[]): Promise<number> {
    let count = 0;
    for (const name of await listOrNothing(this.#ops, this.#folder)) {
      const work = works.find((each) => name.startsWith(`${each}-`));
      if (work !== undefined && (await this.#isAlive(name, name.slice(work.length + 1)))) count++;
    }
    return count;
  }

  async #isAlive(name: string, owner: string): Promise<boolean> {
    const path = join(this.#folder, name);
    const state = ownerState(owner);
    if (state === 'alive') return true;
    const facts = await this.#ops.facts(path);
    if (state === 'unknown' && facts !== undefined && Date.now() - facts.changedMs < FOREIGN_MARK_MS) return true;
    await this.#ops.unlink(path).catch(() => undefined);
    return false;
  }

  get #folder(): string {
    return join(this.#root, 'work');
  }
}

async function renew(ops: FileOps, path: string): Promise<void> {
  try {
    const file = await ops.openAgain(path, WRITABLE);
    try {
      await file.write(Buffer.from('.'), 0);
    } finally {
      await file.close();
    }
  } catch {
    // The next time.
  }
}
