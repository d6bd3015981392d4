import { setTimeout } from 'node:timers/promises';
import { Cron } from 'croner';
import type { Config } from '../../config/config.ts';
import type { SyncJob } from '../../config/sync.ts';
import type { Emit, SyncResult } from '../../ports/events.ts';
import type { Lease } from '../../ports/lease.ts';
import { isWhole } from '../../sync/report.ts';
import type { Synced } from '../../sync/sync.ts';
import { type SyncPlace, syncIn } from './sync-in.ts';

/** How a job with a schedule stands. Times are whole seconds since the epoch. */
export interface JobStatus {
  readonly job: string;
  readonly index: string;
  readonly running: boolean;
  /** When it is due next. */
  readonly next: number | undefined;
  /** Undefined where this process has not done it yet. */
  readonly last:
    | {
        readonly at: number;
        readonly result: SyncResult;
        readonly fetched: number;
        readonly missing: number;
        readonly refused: number;
      }
    | undefined;
}

/** Time, for tests. */
export interface Waiting {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Ends early, and rejects, with the signal. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

interface SchedulesOptions {
  readonly config: Config;
  readonly composition: SyncPlace;
  readonly emit: Emit;
  /** Spares from now on what syncs hold. */
  readonly retain?: (() => Promise<void>) | undefined;
  /** Asked where replicas keep what they fetch in one place. */
  readonly lease?: Lease | undefined;
  readonly waiting?: Waiting | undefined;
}

/** Node ends longer timers at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
/** For which a replica that is late, by its clock or its jitter, finds the job taken. Milliseconds. */
const LATE_MS = 60_000;

const REAL: Waiting = {
  now: Date.now,
  wait: async (ms, signal) => setTimeout(ms, undefined, { signal, ref: false }),
  random: Math.random,
};

/** Does the jobs of the configuration when they are due, each after the last one of its own has ended. */
export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #waiting: Waiting;
  readonly #leaving = new AbortController();
  readonly #running: Promise<void>;
  readonly #jobs: ReadonlyMap<string, { status: JobStatus }>;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    this.#waiting = options.waiting ?? REAL;
    const jobs = (options.config.sync?.jobs ?? []).filter(({ schedule }) => schedule !== undefined);
    this.#jobs = new Map(
      jobs.map(({ name, index }) => [
        name,
        { status: { job: name, index, running: false, next: undefined, last: undefined } },
      ]),
    );
    this.#running = Promise.all(jobs.map((job) => this.#keep(job))).then(() => undefined);
  }

  get status(): readonly JobStatus[] {
    return [...this.#jobs.values()].map(({ status }) => status);
  }

  /** What is under way ends; what it has fetched is held. */
  async close(): Promise<void> {
    this.#leaving.abort(new Error('the mirror is shutting down'));
    await this.#running;
  }

  async #keep(job: SyncJob): Promise<void> {
    const { signal } = this.#leaving;
    const cron = new Cron(job.schedule ?? '', { timezone: 'UTC', paused: true });
    while (!signal.aborted) {
      const due = cron.nextRun(new Date(this.#waiting.now()))?.getTime();
      if (due === undefined) return;
      this.#tell(job, { next: Math.floor(due / 1000) });
      const from = due + this.#waiting.random() * job.jitter * 1000;
      if (!(await this.#until(from))) return;
      const taken = await this.#options.lease?.take(`sync ${job.name}`);
      if (taken?.held === false) this.#end(job, 'elsewhere', 0, undefined);
      else {
        await this.#do(job);
        if (taken !== undefined) await this.#release(taken, due + job.jitter * 1000 + LATE_MS);
      }
    }
  }

  /** Held until nobody begins it any more for the same time. */
  async #release({ release }: { release(): Promise<void> }, until: number): Promise<void> {
    await this.#until(until);
    await release();
  }

  async #do(job: SyncJob): Promise<void> {
    const { config, composition, emit } = this.#options;
    const began = this.#waiting.now();
    this.#tell(job, { running: true });
    const seconds = () => (this.#waiting.now() - began) / 1000;
    try {
      const synced = await syncIn({ config, composition, words: job, signal: this.#leaving.signal, fetches: true });
      if (!this.#leaving.signal.aborted) await this.#options.retain?.();
      if (!this.#leaving.signal.aborted)
        this.#end(job, isWhole(synced.report) ? 'whole' : 'missing', seconds(), synced);
    } catch (error) {
      if (this.#leaving.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      emit({ name: 'noted', index: job.index, message: `the sync ${job.name} did not begin or end: ${message}` });
      this.#end(job, 'failed', seconds(), undefined);
    } finally {
      this.#tell(job, { running: false });
    }
  }

  #end(job: SyncJob, result: SyncResult, seconds: number, synced: Synced | undefined): void {
    const { progress, missing, refused } = synced?.report ?? {};
    const counts = { fetched: progress?.fetched ?? 0, missing: missing?.count ?? 0, refused: refused?.count ?? 0 };
    const { fetchedBytes: bytes = 0 } = progress ?? {};
    const notAsked = synced?.spared ?? 0;
    this.#tell(job, { last: { at: Math.floor(this.#waiting.now() / 1000), result, ...counts } });
    const first = [...(refused?.named ?? []), ...(missing?.named ?? [])][0];
    const why = first === undefined ? undefined : `${first.what}: ${first.why}`;
    this.#options.emit({
      name: 'synced',
      index: job.index,
      job: job.name,
      result,
      seconds,
      bytes,
      notAsked,
      ...counts,
      why,
    });
  }

  #tell(job: SyncJob, change: Partial<JobStatus>): void {
    const known = this.#jobs.get(job.name);
    if (known !== undefined) known.status = { ...known.status, ...change };
  }

  /** False where the mirror is shutting down. */
  async #until(time: number): Promise<boolean> {
    const { signal } = this.#leaving;
    for (;;) {
      const left = time - this.#waiting.now();
      if (left <= 0) return !signal.aborted;
      await this.#waiting.wait(Math.min(left, LONGEST_WAIT_MS), signal).catch(() => undefined);
      if (signal.aborted) return false;
    }
  }
}
