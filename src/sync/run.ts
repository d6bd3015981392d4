import type { Caller } from '../async/caller.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import type { PickedFile } from './picked.ts';
import type { Plan, Wish } from './plan.ts';
import type { SyncReport } from './report.ts';
import type { Attempt } from './retry.ts';

export interface RunOptions {
  readonly index: Pick<PackageIndex, 'isHeld' | 'open' | 'unverified'>;
  readonly plan: Plan;
  readonly caller: Caller;
  readonly attempt: Attempt;
  /** Projects looked at, and files fetched, at once. */
  readonly parallel: number;
  /** Added to; read by whoever shows how it stands. */
  readonly report: SyncReport;
  /** False: nothing is fetched, and what is not held is counted. */
  readonly fetches: boolean;
  /** What is not held is missing; of use where nothing is fetched. */
  readonly mustBeHeld?: boolean | undefined;
}

/** Looks at every project of the plan, and fetches what is not held. Never throws for what one project or file comes to. */
export async function runPlan(options: RunOptions): Promise<void> {
  const { plan, report, caller, parallel } = options;
  for (const told of plan.missing) report.missing.add(told);
  const files = new Places(parallel);
  await eachOf(plan.wishes(), parallel, caller.signal, async (wish) => {
    report.progress.projects++;
    await new ProjectRun(options, files).all(wish);
    report.progress.projectsDone++;
  });
}

/** Why something that is no file is left out. */
const NOT_THERE = 'provenance or signature announced, and not there';

/** One project of a run. */
class ProjectRun {
  readonly #options: RunOptions;
  readonly #places: Places;

  constructor(options: RunOptions, places: Places) {
    this.#options = options;
    this.#places = places;
  }

  async all({ project, pick }: Wish): Promise<void> {
    const { report, caller } = this.#options;
    try {
      const { files, missing, leftOut } = await pick();
      for (const told of missing) report.missing.add(told);
      for (const [why, names] of leftOut) report.leftOut.set(why, (report.leftOut.get(why) ?? 0) + names.length);
      for (const { file } of files) this.#count(file.entry.size);
      await Promise.all(files.map((picked) => this.#places.within(() => this.#one(picked))));
    } catch (error) {
      if (caller.signal.aborted) return;
      this.#failed(project, error);
    }
  }

  #count(size: number | undefined): void {
    const { progress } = this.#options.report;
    progress.files++;
    progress.bytes += size ?? 0;
    if (size === undefined) progress.unsized++;
  }

  async #one({ page, file, oneOf }: PickedFile): Promise<void> {
    const { index, report, caller, attempt, fetches, mustBeHeld } = this.#options;
    const { filename, size = 0 } = file.entry;
    if (caller.signal.aborted) return;
    try {
      const isHeld = await index.isHeld(page, filename);
      // Of what only its bytes can tell, they are looked at whenever they are at hand.
      if (isHeld && oneOf === undefined) this.#held(size);
      else if (fetches || isHeld) {
        const blob = await attempt(() => index.open(page, filename, caller, { durable: true }));
        if (oneOf !== undefined && !oneOf.has(`sha256:${blob.sha256}`))
          throw new Refusal('digest', `${filename} is not what the lock says: its sha256 is ${blob.sha256}.`, {
            subject: 'file',
          });
        if (isHeld) this.#held(size);
        else this.#fetched(filename, blob.size);
      } else if (mustBeHeld === true) report.missing.add({ what: filename, why: 'it is not held' });
      if (fetches) await this.#relay(page.project, filename);
    } catch (error) {
      if (!caller.signal.aborted) this.#failed(filename, error);
    }
  }

  /** What its page announces besides, and nothing vouches for. */
  async #relay(project: string, filename: string): Promise<void> {
    const { index, caller, attempt, report } = this.#options;
    const { unverified } = index;
    if (unverified === undefined) return;
    try {
      await attempt(() => unverified.relay(project, filename, caller));
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason !== 'unlisted') throw error;
      report.leftOut.set(NOT_THERE, (report.leftOut.get(NOT_THERE) ?? 0) + 1);
    }
  }

  #held(size: number): void {
    const { progress } = this.#options.report;
    progress.held++;
    progress.heldBytes += size;
  }

  #fetched(filename: string, size: number): void {
    const { progress, fetched } = this.#options.report;
    progress.fetched++;
    progress.fetchedBytes += size;
    fetched.add({ what: filename, why: 'new' });
  }

  #failed(what: string, error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    const { report } = this.#options;
    report.progress.failed++;
    const told = { what, why: `${error.reason}: ${error.message}` };
    if (error.reason === 'unlisted') report.missing.add(told);
    else report.refused.add(told);
  }
}

/** So many at once, in order of coming. */
class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async within(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/** Asks for the next only when there is a place for it: a list of a million is never in memory. */
async function eachOf<T>(
  all: AsyncIterable<T>,
  parallel: number,
  signal: AbortSignal,
  visit: (each: T) => Promise<void>,
): Promise<void> {
  const working = new Set<Promise<void>>();
  for await (const each of all) {
    if (signal.aborted) break;
    const work = visit(each).finally(() => working.delete(work));
    working.add(work);
    // What it throws is thrown below.
    work.catch(() => undefined);
    if (working.size >= parallel) await Promise.race(working);
  }
  await Promise.all(working);
}
