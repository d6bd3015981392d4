import { yieldToEventLoop } from '../../async/yield.ts';
import { createProver } from '../../bytes/prover.ts';
import type { BlobStorage, UsageRecord } from '../../ports/blob-storage.ts';
import { isWrong } from '../scan.ts';
import { type Pace, rateOf } from './pace.ts';
import { type EndedRound, type Position, type RoundCounts, readScrubState, writeScrubState } from './record.ts';

/** Time. */
export interface Waiting {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Ends early, and rejects, with the signal. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export interface ScrubOptions {
  readonly storage: Pick<BlobStorage, 'open' | 'list'>;
  /** From when on `names` has everything. */
  readonly ready: Promise<void>;
  /** The digests of all that may lie there, in no order. */
  readonly names: () => Iterable<string>;
  /** Bytes that lie there. */
  readonly stored: () => number;
  readonly record: UsageRecord;
  readonly pace: Pace;
  /** Whether somebody else needs the disk or the processor at this moment. */
  readonly isBusy: () => boolean;
  /** Takes away what is not what its name says. */
  readonly setAside: (sha256: string, message: string) => Promise<void>;
  readonly onRound: (round: EndedRound) => void;
  /** Something could not be looked at; the round goes on. Must not throw. */
  readonly onTrouble: (error: unknown) => void;
  readonly waiting: Waiting;
}

export interface ScrubReport extends RoundCounts {
  readonly last: EndedRound | undefined;
  /** How often what is stored could not be listed, since the start. */
  readonly failures: number;
  /** Why it could not at the last try: it is tried again after a pause. */
  readonly failed: string | undefined;
}

/** Bytes that are read and hashed at once. */
const STEP = 256 * 1024;
/** Bytes a second within one file, at most. */
const BURST = 16 * 1024 * 1024;
/** From the start, which has more to do. */
const START_AFTER_MS = 60_000;
/** No round begins sooner after the one before has begun. */
const ROUND_AT_LEAST_MS = 24 * 60 * 60 * 1000;
const LONGEST_WAIT_MS = 60_000;
/** Until what is stored is listed again that could not be; twice as long each time. */
const RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 60 * 60_000;
const SAVE_EVERY_MS = 10_000;
/** How often it is asked whether others are done, and how long each step waits for them at most: it is never held up for good. */
const BUSY_LOOK_MS = 50;
const GIVE_WAY_MS = 1000;
/** A round goes through the digests by their first letters, so that as many are put in order at once. */
const PARTS = 256;
const NAMES_A_TURN = 5000;
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };
const NOTHING: RoundCounts = { files: 0, bytes: 0, damaged: 0 };

/**
 * Reads everything that is stored again, slowly and round after round, whatever memory believes of it. It goes by the digests, so that a restart
 * goes on where the last one stopped. What is wrong at two readings is set aside; what could not be read at all is told, and left. Where what is stored cannot be listed it is tried
 * again, after a pause that grows.
 */
export class Scrub {
  readonly #options: ScrubOptions;
  readonly #waiting: Waiting;
  readonly #leaving = new AbortController();
  readonly #running: Promise<void>;
  readonly #step = Buffer.allocUnsafeSlow(STEP);
  #counts: RoundCounts = NOTHING;
  #round: Position | undefined;
  #last: EndedRound | undefined;
  #savedMs = 0;
  #failures = 0;
  #failed: string | undefined;
  #pauseMs = RETRY_MS;

  constructor(options: ScrubOptions) {
    this.#options = options;
    this.#waiting = options.waiting;
    this.#running = this.#run();
  }

  /** Counted since the start; the last round may be of an earlier run. */
  get report(): ScrubReport {
    return { ...this.#counts, last: this.#last, failures: this.#failures, failed: this.#failed };
  }

  /** Says where it is, for the next run. */
  async close(): Promise<void> {
    this.#leaving.abort(new Error('the mirror is shutting down'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#leaving;
    try {
      ({ round: this.#round, last: this.#last } = readScrubState(await this.#options.record.read()));
      await this.#waiting.wait(START_AFTER_MS, signal);
      await this.#options.ready;
      while (!signal.aborted) await this.#tryRound();
    } catch (error) {
      if (!signal.aborted) this.#options.onTrouble(error);
    } finally {
      await this.#save();
    }
  }

  async #tryRound(): Promise<void> {
    try {
      await this.#makeRound();
    } catch (error) {
      this.#leaving.signal.throwIfAborted();
      this.#failures++;
      this.#failed = error instanceof Error ? error.message : String(error);
      this.#options.onTrouble(error);
      const pauseMs = this.#pauseMs;
      this.#pauseMs = Math.min(LONGEST_RETRY_MS, pauseMs * 2);
      await this.#waiting.wait(pauseMs, this.#leaving.signal);
    }
  }

  async #makeRound(): Promise<void> {
    const { beganMs, after } = this.#round ?? (await this.#begin());
    this.#failed = undefined;
    this.#pauseMs = RETRY_MS;
    const first = after === '' ? 0 : Number.parseInt(after.slice(0, 2), 16);
    for (let part = first; part < PARTS; part++)
      for (const sha256 of await this.#namesIn(part.toString(16).padStart(2, '0'))) await this.#look(sha256);
    const endedMs = this.#waiting.now();
    const { files, bytes, damaged } = this.#round ?? NOTHING;
    const seconds = Math.max(0, Math.round((endedMs - beganMs) / 1000));
    this.#last = { files, bytes, damaged, endedMs, seconds };
    this.#round = undefined;
    await this.#save();
    this.#options.onRound(this.#last);
  }

  /** A round that could not be begun is none. */
  async #begin(): Promise<Position> {
    await this.#rest();
    const round = { ...NOTHING, after: '', beganMs: this.#waiting.now() };
    this.#round = round;
    try {
      await this.#lookForOthers();
      return round;
    } catch (error) {
      this.#round = undefined;
      throw error;
    }
  }

  /** Until a day is over since the last round began. */
  async #rest(): Promise<void> {
    if (this.#last === undefined) return;
    const { endedMs, seconds } = this.#last;
    const since = Math.max(0, this.#waiting.now() - endedMs) + seconds * 1000;
    for (let left = ROUND_AT_LEAST_MS - since; left > 0; left -= LONGEST_WAIT_MS)
      await this.#waiting.wait(Math.min(left, LONGEST_WAIT_MS), this.#leaving.signal);
  }

  /** What lies under a digest's name and is no file. */
  async #lookForOthers(): Promise<void> {
    for await (const { sha256, size } of this.#options.storage.list()) {
      this.#leaving.signal.throwIfAborted();
      if (size === undefined) await this.#takeAway(sha256, 'What lies there is no file.');
    }
  }

  /** In order, behind the last one that was looked at. */
  async #namesIn(prefix: string): Promise<readonly string[]> {
    const after = this.#round?.after ?? '';
    const found: string[] = [];
    let turn = 0;
    for (const sha256 of this.#options.names()) {
      if (sha256.startsWith(prefix) && sha256 > after) found.push(sha256);
      if (++turn % NAMES_A_TURN === 0) await yieldToEventLoop();
    }
    return found.sort();
  }

  async #look(sha256: string): Promise<void> {
    let bytes = 0;
    try {
      const first = await this.#read(sha256);
      // A file that was replaced meanwhile, or memory that failed, is no reason to take anything away.
      const found = first?.wrong === undefined ? first : await this.#read(sha256);
      bytes = found?.bytes ?? 0;
      if (found?.wrong !== undefined) await this.#takeAway(sha256, found.wrong);
      else if (found !== undefined) this.#count({ files: 1, bytes, damaged: 0 });
    } catch (error) {
      this.#leaving.signal.throwIfAborted();
      this.#options.onTrouble(error);
    }
    if (this.#round !== undefined) this.#round = { ...this.#round, after: sha256 };
    await this.#pay(bytes);
  }

  /** Undefined where nothing lies there any more. */
  async #read(sha256: string): Promise<{ readonly bytes: number; readonly wrong: string | undefined } | undefined> {
    let bytes = 0;
    const prover = await createProver({ digests: new Map([['sha256', sha256]]) });
    try {
      const source = await this.#options.storage.open(sha256, ALL);
      if (source === undefined) return undefined;
      try {
        for (;;) {
          await this.#giveWay();
          const read = await source.read(this.#step, bytes);
          prover.update(this.#step.subarray(0, read));
          bytes += read;
          if (read < STEP) break;
          await this.#waiting.wait(Math.ceil((read / BURST) * 1000), this.#leaving.signal);
        }
      } finally {
        await source.close();
      }
      prover.finish();
      return { bytes, wrong: undefined };
    } catch (error) {
      if (isWrong(error)) return { bytes, wrong: error instanceof Error ? error.message : 'unreadable' };
      throw error;
    } finally {
      prover.abandon();
    }
  }

  async #takeAway(sha256: string, message: string): Promise<void> {
    await this.#options.setAside(sha256, message);
    this.#count({ ...NOTHING, damaged: 1 });
  }

  #count(more: RoundCounts): void {
    this.#counts = sum(this.#counts, more);
    if (this.#round !== undefined) this.#round = { ...this.#round, ...sum(this.#round, more) };
  }

  async #giveWay(): Promise<void> {
    for (let waited = 0; waited < GIVE_WAY_MS && this.#options.isBusy(); waited += BUSY_LOOK_MS)
      await this.#waiting.wait(BUSY_LOOK_MS, this.#leaving.signal);
  }

  /** Waits as long as so many bytes take at the pace that is asked for. */
  async #pay(bytes: number): Promise<void> {
    const { pace, stored } = this.#options;
    let owed = bytes;
    do {
      const rate = rateOf(pace, stored());
      const ms = Math.min(LONGEST_WAIT_MS, Math.ceil((owed / rate) * 1000));
      if (this.#waiting.now() - this.#savedMs >= SAVE_EVERY_MS || ms >= SAVE_EVERY_MS) await this.#save();
      await this.#waiting.wait(ms, this.#leaving.signal);
      owed -= (rate * ms) / 1000;
    } while (owed > 0);
  }

  async #save(): Promise<void> {
    this.#savedMs = this.#waiting.now();
    const state = writeScrubState({ round: this.#round, last: this.#last });
    await this.#options.record.write(state).catch(this.#options.onTrouble);
  }
}

function sum(a: RoundCounts, b: RoundCounts): RoundCounts {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes, damaged: a.damaged + b.damaged };
}
