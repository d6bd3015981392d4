import type { Caller } from '../async/caller.ts';
import { Places } from '../async/places.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { BelievedListing, PackageIndex } from '../mirror/package-index.ts';
import type { Blob } from '../ports/blob.ts';
import type { PickedFile } from './picked.ts';
import type { Plan, Wish } from './plan.ts';
import type { SyncReport } from './report.ts';
import type { Attempt } from './retry.ts';

export interface RunOptions {
  readonly index: Pick<PackageIndex, 'isHeld' | 'open' | 'settle' | 'unverified'>;
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
  /** Told of each file that is held by now. */
  readonly onHeld?: ((picked: PickedFile) => Promise<void>) | undefined;
}

/** For each file that may be fetched at once: how many may be fetched already and wait for the disk. */
const SETTLING_EACH = 8;

/** Looks at every project of the plan, and fetches what is not held. Never throws for what one project or file comes to. */
export async function runPlan(options: RunOptions): Promise<void> {
  const { plan, report, caller, parallel } = options;
  for (const told of plan.missing) report.missing.add(told);
  const places = { fetching: new Places(parallel), settling: new Places(parallel * (1 + SETTLING_EACH)) };
  await eachOf(plan.wishes(), parallel, caller.signal, async (wish) => {
    report.progress.projects++;
    await new ProjectRun(options, places).all(wish);
    report.progress.projectsDone++;
  });
}

/** Why something that is no file is left out. */
const NOT_THERE = 'provenance or signature announced, and not there';

/** Whether it was held before, and what was opened of it. */
interface Found {
  readonly isHeld: boolean;
  readonly blob: Blob | undefined;
}

/** What waits for the disk keeps nobody from fetching, and is synced with what else waits. */
interface RunPlaces {
  readonly fetching: Places;
  /** Of files that are being fetched, or wait for the disk. */
  readonly settling: Places;
}

/** One project of a run. */
class ProjectRun {
  readonly #options: RunOptions;
  readonly #places: RunPlaces;

  constructor(options: RunOptions, places: RunPlaces) {
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
      await Promise.all(files.map((picked) => this.#places.settling.within(() => this.#one(picked))));
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

  async #one(picked: PickedFile): Promise<void> {
    const { report, caller, fetches, mustBeHeld, onHeld } = this.#options;
    const { filename, size = 0 } = picked.file.entry;
    if (caller.signal.aborted) return;
    try {
      const { isHeld, blob } = await this.#settled(picked);
      if (isHeld) this.#held(size);
      else if (blob !== undefined) this.#fetched(filename, blob.size);
      else if (mustBeHeld === true) report.missing.add({ what: filename, why: 'it is not held' });
      if (!fetches) return;
      try {
        await this.#places.fetching.within(() => this.#relay(picked.page, filename));
      } finally {
        await onHeld?.(picked);
      }
    } catch (error) {
      if (!caller.signal.aborted) this.#failed(filename, error);
    }
  }

  /** What its page announces besides, and nothing vouches for. */
  async #relay(page: BelievedListing, filename: string): Promise<void> {
    const { index, caller, attempt, report } = this.#options;
    const { unverified } = index;
    if (unverified === undefined) return;
    try {
      await attempt(() => unverified.relay(page, filename, caller));
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason !== 'unlisted') throw error;
      report.leftOut.set(NOT_THERE, (report.leftOut.get(NOT_THERE) ?? 0) + 1);
    }
  }

  /** What the disk did not take is fetched anew, and keeps its place until it has. */
  async #settled(picked: PickedFile): Promise<Found> {
    const { index } = this.#options;
    const { fetching } = this.#places;
    const found = await fetching.within(() => this.#look(picked));
    const { blob } = found;
    if (blob === undefined) return found;
    try {
      await index.settle(blob.sha256);
      return found;
    } catch (error) {
      if (!(error instanceof Refusal && error.transient)) throw error;
      const again = await fetching.within(() => this.#open(picked, ({ sha256 }) => index.settle(sha256)));
      return { ...found, blob: again };
    }
  }

  async #look(picked: PickedFile): Promise<Found> {
    const { index, caller, fetches } = this.#options;
    caller.signal.throwIfAborted();
    const isHeld = await index.isHeld(picked.page, picked.file.entry.filename);
    // Of what only its bytes can tell, they are looked at whenever they are at hand.
    if (isHeld ? picked.oneOf === undefined : !fetches) return { isHeld, blob: undefined };
    return { isHeld, blob: await this.#open(picked, async () => undefined) };
  }

  async #open({ page, file, oneOf }: PickedFile, settle: (blob: Blob) => Promise<void>): Promise<Blob> {
    const { index, caller, attempt } = this.#options;
    const { filename } = file.entry;
    const blob = await attempt(async () => {
      const opened = await index.open(page, filename, caller);
      await settle(opened);
      return opened;
    });
    if (oneOf !== undefined && !oneOf.has(`sha256:${blob.sha256}`))
      throw new Refusal('digest', `${filename} is not what the lock says: its sha256 is ${blob.sha256}.`, {
        subject: 'file',
      });
    return blob;
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
