import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Believed } from '../believed.ts';
import type { Evidence } from '../evidence.ts';
import { isRecent } from '../recent.ts';
import type { Drawer, Drawing } from './drawing.ts';

/** After upstream failed, an older document is served this long without asking again. Seconds. */
const BACK_OFF = 5;
/** That there is no such document is remembered at most this long … */
const ABSENT_FOR = 60;
/** … and where there was one before. Seconds. */
const GONE_FOR = 5;
const BYTES_OF_AN_ABSENCE = 500;
/** Of the memory for documents, what names without one may have. */
const SMALL_SHARE = 64;
/** Of the memory for documents, what one whole document may take, and what lean ones leave to whole ones. */
const WHOLE_SHARE = 2;
/** A whole document beyond that share stays so long after it was asked for: files are asked for one after the other. Milliseconds. */
const LARGE_KEPT_MS = 15_000;

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
  /** There was one before. */
  readonly wasThere: boolean;
  /** The name is kept for it: by what is stored there was one once, and nobody has said that the name is free. */
  readonly isKept: boolean;
}

interface Large<P, V> {
  name: string;
  kept: Kept<P, V> | undefined;
  timer: NodeJS.Timeout | undefined;
}

interface RememberedOptions<P, V> {
  readonly evidence: Pick<Evidence<P>, 'standing'>;
  readonly drawer: Pick<Drawer<P, V>, 'lean' | 'isWhole' | 'isOutdated' | 'under'>;
  readonly clock: Clock;
  /** Seconds after which upstream is asked again whether there is one, where that is sooner. */
  readonly maxAge?: number | undefined;
  /** Seconds after a failure before it is asked for again; five unless stated. */
  readonly backOff?: number | undefined;
  /** Bytes. */
  readonly memory: number;
  /** True where what there is no room for stays in memory all the same, one document, as long as it is asked for. */
  readonly staysInUse?: boolean | undefined;
}

/**
 * What is remembered of each name: its document, that there is none, or that asking for it failed. Bounded. Where room is short,
 * the whole document used least recently becomes a lean one, which serves clients as well; then the lean one used least goes.
 */
export class Remembered<P, V> {
  readonly #options: RememberedOptions<P, V>;
  /** A name is in one of the two. */
  readonly #whole: BoundedMap<Kept<P, V>>;
  readonly #lean: BoundedMap<Kept<P, V>>;
  /** One document that is too large to stay whole, or at all, while it is in use. */
  readonly #large: Large<P, V> = { name: '', kept: undefined, timer: undefined };
  readonly #absences: BoundedMap<Absence<P>>;
  /** Of what was never had. */
  readonly #failures: BoundedMap<Failure>;

  constructor(options: RememberedOptions<P, V>) {
    this.#options = options;
    // Room is made by turning whole ones into lean ones, before this bound is met.
    this.#whole = new BoundedMap({ bytes: 2 * options.memory });
    this.#lean = new BoundedMap({ bytes: options.memory });
    this.#absences = new BoundedMap({ bytes: options.memory / SMALL_SHARE });
    this.#failures = new BoundedMap({ bytes: options.memory / SMALL_SHARE });
  }

  get(name: string): Kept<P, V> | undefined {
    const kept = this.#whole.get(name) ?? this.#lean.get(name);
    return kept === undefined && this.#options.staysInUse === true ? this.#largeOf(name) : kept;
  }

  /** The drawing, whole, where it is so and may be served without asking upstream first. */
  atHand(name: string): Drawing<P, V> | undefined {
    const kept = this.get(name);
    if (kept === undefined) return undefined;
    const { evidence, drawer } = this.#options;
    const { standing } = evidence.standing(kept.drawing.believed);
    if (standing === 'stale-if-error' || standing === 'expired' || drawer.isOutdated(kept.drawing)) return undefined;
    return drawer.isWhole(kept.drawing) ? kept.drawing : this.wholeOf(name, kept.drawing);
  }

  /** The same drawing, whole, where it still is although it is too large to be kept so. */
  wholeOf(name: string, drawing: Drawing<P, V>): Drawing<P, V> | undefined {
    const kept = this.#largeOf(name);
    if (kept === undefined || !isSameDrawing(kept.drawing, drawing)) return undefined;
    return this.#options.drawer.under(kept.drawing, drawing.believed);
  }

  keep(name: string, kept: Kept<P, V>): Kept<P, V> {
    const { memory, drawer } = this.#options;
    const { weight } = kept.drawing;
    if (drawer.isWhole(kept.drawing) && weight <= memory / WHOLE_SHARE) {
      this.#lean.delete(name);
      this.#whole.set(name, kept, weight);
    } else {
      this.#whole.delete(name);
      if (drawer.isWhole(kept.drawing)) this.#keepLarge(name, kept);
      this.#keepLean(name, kept);
    }
    this.#makeRoom();
    return kept;
  }

  /** There is such a document: neither absence nor failure speaks against it. */
  found(name: string): void {
    this.#absences.delete(name);
    this.#failures.delete(name);
  }

  /** There is no such document: what is remembered of one is forgotten. */
  gone(name: string, believed: Believed<P>, isKept: boolean): void {
    const wasThere = this.get(name) !== undefined || this.#absences.get(name)?.wasThere === true;
    this.#whole.delete(name);
    this.#lean.delete(name);
    if (this.#large.name === name) this.#large.kept = undefined;
    this.#absences.set(name, { believed, at: this.#options.clock.now(), wasThere, isKept }, BYTES_OF_AN_ABSENCE);
  }

  /** Nothing is remembered of it any more. */
  forget(name: string): void {
    this.#whole.delete(name);
    this.#lean.delete(name);
    this.#absences.delete(name);
    this.#failures.delete(name);
    if (this.#large.name === name) this.#large.kept = undefined;
  }

  /** True while the word that there is none still stands. */
  isAbsent(name: string): boolean {
    const absence = this.#absences.get(name);
    if (absence === undefined || !isRecent(absence.at, this.absentFor(name), this.#options.clock.now())) return false;
    return this.#options.evidence.standing(absence.believed).standing === 'fresh';
  }

  /** Whether the name of one that there is not is kept for it; undefined where that is not remembered. */
  isKept(name: string): boolean | undefined {
    return this.#absences.get(name)?.isKept;
  }

  /** Upstream's last word was that there is none, however long ago. */
  isGone(name: string): boolean {
    return this.#absences.has(name);
  }

  /** How long it is remembered that there is none. Seconds. */
  absentFor(name: string): number {
    const { maxAge = ABSENT_FOR } = this.#options;
    return Math.min(maxAge, this.#absences.get(name)?.wasThere === true ? GONE_FOR : ABSENT_FOR);
  }

  /** Asking failed: written to the document where there is one. `cold`: remembered even where there never was one. */
  failed(name: string, kept: Kept<P, V> | undefined, error: unknown, cold: boolean): Kept<P, V> | undefined {
    const failed = { at: this.#options.clock.now(), error };
    const last = this.get(name) ?? kept;
    if (cold) this.#failures.set(name, failed, BYTES_OF_AN_ABSENCE);
    return last && this.keep(name, { ...last, failed });
  }

  /** A failure of a moment ago: asking again would fail again. */
  restingFrom(name: string, kept: Kept<P, V> | undefined): Failure | undefined {
    const failed = kept?.failed ?? this.#failures.get(name);
    if (failed === undefined || isFinal(failed.error)) return undefined;
    const { backOff = BACK_OFF, clock } = this.#options;
    return isRecent(failed.at, backOff, clock.now()) ? failed : undefined;
  }

  #keepLean(name: string, kept: Kept<P, V>): void {
    const drawing = this.#options.drawer.lean(kept.drawing);
    this.#lean.set(name, { ...kept, drawing }, drawing.weight);
  }

  /** In use again. */
  #largeOf(name: string): Kept<P, V> | undefined {
    const { kept } = this.#large;
    if (kept === undefined || this.#large.name !== name) return undefined;
    this.#large.timer?.refresh();
    return kept;
  }

  #keepLarge(name: string, kept: Kept<P, V>): void {
    clearTimeout(this.#large.timer);
    this.#large.name = name;
    this.#large.kept = kept;
    this.#large.timer = setTimeout(() => {
      this.#large.kept = undefined;
    }, LARGE_KEPT_MS).unref();
  }

  #makeRoom(): void {
    const { memory } = this.#options;
    while (this.#whole.bytes + this.#lean.bytes > memory) {
      const [name, kept] = (this.#whole.bytes > memory / WHOLE_SHARE ? this.#whole.pop() : undefined) ?? [];
      if (name !== undefined && kept !== undefined) this.#keepLean(name, kept);
      else if (this.#lean.pop() === undefined) return;
    }
  }
}

/** The same bytes, drawn by the same rules and pins. */
function isSameDrawing<P, V>(a: Drawing<P, V>, b: Drawing<P, V>): boolean {
  const [one, other] = [a.believed.source, b.believed.source];
  if (one?.sha256 !== other?.sha256 || one?.url !== other?.url) return false;
  return a.policy === b.policy && a.pins === b.pins && a.until === b.until;
}

/** True for a refusal that nothing older may stand in for. */
export function isFinal(error: unknown): boolean {
  return error instanceof Refusal && FINAL.has(error.reason);
}
