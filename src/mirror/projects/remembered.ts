import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Believed } from '../believed.ts';
import type { Evidence } from '../evidence.ts';
import { isRecent } from '../recent.ts';
import type { Drawing } from './draw.ts';

/** After upstream failed, an older document is served this long without asking again. Seconds. */
const BACK_OFF = 5;
/** That there is no such document is remembered this long. Seconds. */
const ABSENT_FOR = 60;
const BYTES_OF_AN_ABSENCE = 500;
/** Of the memory for documents, what names without one may have. */
const SMALL_SHARE = 64;

/** Never stood in for: a wrong clock proves nothing, and what is provably gone is gone. */
const FINAL: ReadonlySet<Reason> = new Set(['clock', 'unlisted']);

interface Failure {
  readonly at: Instant;
  readonly error: unknown;
}

/** A document in memory. */
export interface Kept<P, V> {
  readonly drawing: Drawing<P, V>;
  /** The last time of asking, or of drawing again, failed. */
  readonly failed?: Failure | undefined;
  /** Something that it says proved wrong. */
  readonly doubted?: boolean | undefined;
}

interface Absence<P> {
  readonly believed: Believed<P>;
  readonly at: Instant;
}

interface RememberedOptions<P> {
  readonly evidence: Pick<Evidence<P>, 'standing'>;
  readonly clock: Clock;
  /** Bytes. */
  readonly memory: number;
}

/** What is remembered of each name: its document, that there is none, or that asking for it failed. Bounded; least used goes first. */
export class Remembered<P, V> {
  readonly #options: RememberedOptions<P>;
  readonly #documents: BoundedMap<Kept<P, V>>;
  readonly #absences: BoundedMap<Absence<P>>;
  /** Of what was never had. */
  readonly #failures: BoundedMap<Failure>;

  constructor(options: RememberedOptions<P>) {
    this.#options = options;
    this.#documents = new BoundedMap({ bytes: options.memory });
    this.#absences = new BoundedMap({ bytes: options.memory / SMALL_SHARE });
    this.#failures = new BoundedMap({ bytes: options.memory / SMALL_SHARE });
  }

  get(name: string): Kept<P, V> | undefined {
    return this.#documents.get(name);
  }

  keep(name: string, kept: Kept<P, V>): Kept<P, V> {
    this.#documents.set(name, kept, kept.drawing.weight);
    return kept;
  }

  /** There is such a document: neither absence nor failure speaks against it. */
  found(name: string): void {
    this.#absences.delete(name);
    this.#failures.delete(name);
  }

  /** There is no such document: what is remembered of one is forgotten. */
  gone(name: string, believed: Believed<P>): void {
    this.#documents.delete(name);
    this.#absences.set(name, { believed, at: this.#options.clock.now() }, BYTES_OF_AN_ABSENCE);
  }

  /** True while the word that there is none still stands. */
  isAbsent(name: string): boolean {
    const absence = this.#absences.get(name);
    if (absence === undefined || !isRecent(absence.at, ABSENT_FOR, this.#options.clock.now())) return false;
    return this.#options.evidence.standing(absence.believed).standing === 'fresh';
  }

  /** Asking failed: written to the document where there is one. `cold`: remembered even where there never was one. */
  failed(name: string, kept: Kept<P, V> | undefined, error: unknown, cold: boolean): Kept<P, V> | undefined {
    const failed = { at: this.#options.clock.now(), error };
    const last = this.#documents.get(name) ?? kept;
    if (last !== undefined) return this.keep(name, { ...last, failed });
    if (cold) this.#failures.set(name, failed, BYTES_OF_AN_ABSENCE);
    return undefined;
  }

  /** A failure of a moment ago: asking again would fail again. */
  restingFrom(name: string, kept: Kept<P, V> | undefined): Failure | undefined {
    const failed = kept === undefined ? this.#failures.get(name) : kept.failed;
    if (failed === undefined || isFinal(failed.error)) return undefined;
    return isRecent(failed.at, BACK_OFF, this.#options.clock.now()) ? failed : undefined;
  }
}

/** True for a refusal that nothing older may stand in for. */
export function isFinal(error: unknown): boolean {
  return error instanceof Refusal && FINAL.has(error.reason);
}
