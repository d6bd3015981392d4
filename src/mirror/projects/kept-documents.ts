import type { Background } from '../../async/background.ts';
import { type Caller, internalCaller } from '../../async/caller.ts';
import { createFlights, type Flights } from '../../async/flight.ts';
import { within } from '../../async/timeout.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import { type Reason, Refusal, type Subject } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Believed } from '../believed.ts';
import type { Evidence } from '../evidence.ts';
import { looksMovedOn } from '../moved-on.ts';
import { isRecent } from '../recent.ts';
import type { Drawer, Drawing } from './draw.ts';
import type { Reports } from './reports.ts';

/** What a client waits for upstream's word where an older one can be served. Milliseconds. */
const LONGEST_WAIT_MS = 5000;
/** After upstream failed, an older document is served this long without asking again. Seconds. */
const BACK_OFF = 5;
/** That there is no such document is remembered this long. Seconds. */
const ABSENT_FOR = 60;
const BYTES_OF_AN_ABSENCE = 500;

/** Never stood in for: a wrong clock proves nothing, and what is provably gone is gone. */
const FINAL: ReadonlySet<Reason> = new Set(['clock', 'unlisted']);
interface Failure {
  readonly at: Instant;
  readonly error: unknown;
}

interface Kept<P, V> {
  readonly drawing: Drawing<P, V>;
  /** The last time of asking failed. */
  readonly failed?: Failure | undefined;
  /** Something that it says proved wrong. */
  readonly doubted?: boolean | undefined;
}

interface Absence<P> {
  readonly believed: Believed<P>;
  readonly at: Instant;
}

/** `how`: where the answer came from. */
export interface Found<P, V> {
  readonly drawing: Drawing<P, V>;
  readonly how: 'memory' | 'disk' | 'upstream';
}

export interface KeptDocumentsOptions<P, V> {
  readonly index: string;
  readonly subject: Extract<Subject, 'page' | 'list'>;
  readonly evidence: Evidence<P>;
  readonly drawer: Drawer<P, V>;
  readonly clock: Clock;
  readonly reports: Reports;
  readonly background: Background;
  /** Bytes. */
  readonly memory: number;
  /** What a client is told of a document that there is not. */
  readonly absent: (name: string) => Refusal;
  /** True where even what was never had is not asked for again right after a failure. */
  readonly backOffCold?: boolean | undefined;
}

/**
 * Documents of one kind as they are served, in memory. Invariants: one flight a name; a drawing is served only as its
 * evidence says at that moment; a refusal `clock` or `unlisted` is never stood in for; absence never stands in for
 * anything.
 */
export class KeptDocuments<P, V> {
  readonly #options: KeptDocumentsOptions<P, V>;
  readonly #memory: BoundedMap<Kept<P, V>>;
  readonly #absences: BoundedMap<Absence<P>>;
  /** Failures of what was never had. */
  readonly #failures: BoundedMap<Failure>;
  readonly #recalls: Flights<Kept<P, V> | undefined> = createFlights();
  readonly #flights: Flights<Found<P, V> | undefined> = createFlights();
  /** Names that are asked for behind: nobody needs to wait for that to go on. */
  readonly #asking = new Set<string>();
  /** Names whose flight somebody has waited for as long as anybody may. */
  readonly #slow = new Set<string>();

  constructor(options: KeptDocumentsOptions<P, V>) {
    this.#options = options;
    this.#memory = new BoundedMap({ bytes: options.memory });
    this.#absences = new BoundedMap({ bytes: options.memory / 64 });
    this.#failures = new BoundedMap({ bytes: options.memory / 64 });
  }

  /** The document if it may be served this instant. No I/O. */
  warm(name: string): V | undefined {
    const kept = this.#memory.get(name);
    if (kept === undefined) return undefined;
    const { evidence, drawer } = this.#options;
    const { standing, believed } = evidence.standing(kept.drawing.believed);
    if (standing === 'stale-if-error' || standing === 'expired' || drawer.isDue(kept.drawing)) return undefined;
    const current = this.#under(name, kept, believed);
    if (standing === 'stale-while-revalidate') this.#askBehind(name, current);
    return current.drawing.view;
  }

  /** The document; throws Refusal, `unlisted` where there is none. */
  async find(name: string, caller: Caller): Promise<Found<P, V>> {
    if (this.#isAbsent(name)) throw this.#options.absent(name);
    const found = await this.#find(name, caller);
    if (found === undefined) throw this.#options.absent(name);
    return found;
  }

  /** Something that a document of this belief says proved wrong: where it came only once, upstream is asked anew, behind. */
  doubt(believed: Believed<P>): void {
    const { name, observation } = believed;
    const kept = this.#memory.get(name);
    if (kept?.drawing.believed !== believed || observation.final || observation.repeated) return;
    const doubted = { ...kept, doubted: true };
    this.#keep(name, doubted);
    this.#askBehind(name, doubted);
  }

  async #find(name: string, caller: Caller): Promise<Found<P, V> | undefined> {
    const inMemory = this.#memory.get(name);
    const kept = inMemory ?? (await this.#recall(name, caller));
    if (kept === undefined) return this.#askCold(name, caller);
    const how = inMemory === undefined ? 'disk' : 'memory';
    const { standing, believed } = this.#options.evidence.standing(kept.drawing.believed);
    const current = this.#under(name, kept, believed);
    if (standing === 'expired') {
      const resting = this.#restingFrom(current.failed);
      if (resting !== undefined) throw resting.error;
      return this.#ask(name, current, caller);
    }
    if (standing === 'stale-if-error') return this.#standIn(name, current, how, caller);
    if (standing === 'stale-while-revalidate') this.#askBehind(name, current);
    if (this.#options.drawer.isDue(current.drawing)) return this.#redraw(name, current, how, caller);
    return { drawing: current.drawing, how };
  }

  #askCold(name: string, caller: Caller): Promise<Found<P, V> | undefined> {
    const resting = this.#restingFrom(this.#failures.get(name));
    if (resting !== undefined) throw resting.error;
    return this.#ask(name, undefined, caller);
  }

  /** What our own state vouches for. */
  #recall(name: string, caller: Caller): Promise<Kept<P, V> | undefined> {
    return this.#recalls.join(name, caller, async (shared) => {
      const believed = await this.#options.evidence.recall(name);
      if (believed?.source === undefined) return undefined;
      return this.#keep(name, { drawing: await this.#options.drawer.draw(believed, believed.source, shared) });
    });
  }

  #ask(name: string, kept: Kept<P, V> | undefined, caller: Caller): Promise<Found<P, V> | undefined> {
    return this.#flights.join(name, caller, (shared) => this.#tracked(name, this.#update(name, kept, shared)));
  }

  #askBehind(name: string, kept: Kept<P, V>): void {
    if (this.#asking.has(name) || this.#restingFrom(kept.failed) !== undefined) return;
    this.#asking.add(name);
    this.#ask(name, kept, internalCaller(this.#options.index))
      .catch(() => undefined)
      .finally(() => this.#asking.delete(name));
  }

  /** Upstream's word if it comes soon; what was believed last where it does not, or upstream fails. */
  async #standIn(name: string, kept: Kept<P, V>, how: Found<P, V>['how'], caller: Caller) {
    const last: Found<P, V> = { drawing: kept.drawing, how };
    if (this.#restingFrom(kept.failed) !== undefined) return last;
    if (this.#slow.has(name)) return last;
    const asked = this.#ask(name, kept, caller).catch((error: unknown) => {
      if (caller.signal.aborted || isFinal(error)) throw error;
      return last;
    });
    // It goes on when this caller is served or has left.
    this.#askBehind(name, kept);
    const found = await within<Found<P, V> | 'late' | undefined>(LONGEST_WAIT_MS, asked, 'late');
    if (found !== 'late') return found;
    asked.catch(() => undefined);
    this.#slow.add(name);
    return last;
  }

  /** The same belief, drawn again: pins, policy or time ask for it. */
  async #redraw(name: string, kept: Kept<P, V>, how: Found<P, V>['how'], caller: Caller) {
    const { drawing } = kept;
    if (this.#restingFrom(kept.failed) !== undefined) return { drawing, how };
    const redraw = async (shared: Caller): Promise<Found<P, V> | undefined> => {
      const { believed } = drawing;
      if (believed.source === undefined) return undefined;
      return { drawing: this.#keep(name, { drawing: await this.#draw(believed, shared) }).drawing, how };
    };
    return this.#flights.join(name, caller, (shared) =>
      this.#tracked(
        name,
        redraw(shared).catch((error: unknown) => {
          this.#fail(name, kept, error, shared);
          if (shared.signal.aborted || isFinal(error)) throw error;
          return { drawing, how };
        }),
      ),
    );
  }

  async #update(name: string, before: Kept<P, V> | undefined, caller: Caller): Promise<Found<P, V> | undefined> {
    const kept = this.#memory.get(name) ?? before;
    try {
      const believed = await this.#options.evidence.ask(name, kept?.drawing.believed, caller, kept?.doubted);
      return await this.#believe(name, believed, kept, caller);
    } catch (error) {
      this.#fail(name, kept, error, caller);
      throw error;
    }
  }

  async #believe(name: string, believed: Believed<P>, kept: Kept<P, V> | undefined, caller: Caller) {
    const { clock, drawer } = this.#options;
    if (believed.source === undefined) {
      this.#memory.delete(name);
      this.#absences.set(name, { believed, at: clock.now() }, BYTES_OF_AN_ABSENCE);
      drawer.gone(name);
      return undefined;
    }
    this.#absences.delete(name);
    this.#failures.delete(name);
    const same = kept !== undefined && isSameSource(kept.drawing.believed, believed) ? kept.drawing : undefined;
    const again = same && (await drawer.again(same, believed));
    const drawing = again ?? (await this.#draw(believed, caller));
    return { drawing: this.#keep(name, { drawing }).drawing, how: believed.from };
  }

  /** Where upstream has moved on while it was drawn, its next word is drawn; once. */
  async #draw(believed: Believed<P>, caller: Caller): Promise<Drawing<P, V>> {
    const { drawer, evidence, absent } = this.#options;
    const { name, source } = believed;
    if (source === undefined) throw absent(name);
    try {
      return await drawer.draw(believed, source, caller);
    } catch (error) {
      if (!looksMovedOn(error)) throw error;
      const next = await evidence.ask(name, believed, caller, true);
      if (next === believed) throw error;
      if (next.source === undefined) throw absent(name);
      return drawer.draw(next, next.source, caller);
    }
  }

  #fail(name: string, kept: Kept<P, V> | undefined, error: unknown, caller: Caller): void {
    const { subject, clock, reports, backOffCold = false } = this.#options;
    if (caller.signal.aborted) return;
    const failed = { at: clock.now(), error };
    const last = this.#memory.get(name) ?? kept;
    if (last !== undefined) this.#keep(name, { ...last, failed });
    else if (backOffCold) this.#failures.set(name, failed, BYTES_OF_AN_ABSENCE);
    const isAbsence = error instanceof Refusal && error.reason === 'unlisted';
    if (!isAbsence) reports.refused({ subject, name: name === '' ? 'the project list' : name }, error);
    if (last !== undefined && !isFinal(error))
      reports.noted('the last document believed is served, because a new one could not be had', { project: name });
  }

  #restingFrom(failed: Failure | undefined): Failure | undefined {
    if (failed === undefined || isFinal(failed.error)) return undefined;
    return isRecent(failed.at, BACK_OFF, this.#options.clock.now()) ? failed : undefined;
  }

  #isAbsent(name: string): boolean {
    const absence = this.#absences.get(name);
    if (absence === undefined || !isRecent(absence.at, ABSENT_FOR, this.#options.clock.now())) return false;
    return this.#options.evidence.standing(absence.believed).standing === 'fresh';
  }

  #under(name: string, kept: Kept<P, V>, believed: Believed<P>): Kept<P, V> {
    if (believed === kept.drawing.believed) return kept;
    return this.#keep(name, { ...kept, drawing: this.#options.drawer.under(kept.drawing, believed) });
  }

  #keep(name: string, kept: Kept<P, V>): Kept<P, V> {
    this.#memory.set(name, kept, kept.drawing.weight);
    return kept;
  }

  #tracked<T>(name: string, work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#slow.delete(name));
    this.#options.background.add(tracked);
    return tracked;
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof Refusal && FINAL.has(error.reason);
}

function isSameSource<P>({ source: a }: Believed<P>, { source: b }: Believed<P>): boolean {
  return a?.sha256 === b?.sha256 && a?.url === b?.url;
}
