import { type Caller, internalCaller } from '../../async/caller.ts';
import { within } from '../../async/timeout.ts';
import { isUnlisted } from '../absence.ts';
import { type Believed, isSettled } from '../believed.ts';
import { LONGEST_WAIT_MS } from '../limits.ts';
import { Underway } from '../underway.ts';
import { askedOnce } from './asked-once.ts';
import type { KeptDocumentsOptions } from './document-options.ts';
import { drawCurrent, drawRecalled, isSameSource } from './draw-current.ts';
import type { Drawing, For, Found, How, Look, Warm } from './drawing.ts';
import { isFinal, type Kept, Remembered } from './remembered.ts';
import { nameOf, standsIn, standsInNoMore } from './stand-ins.ts';

/**
 * Documents of one kind as they are served, in memory. Invariants: one flight a name; a drawing is served only as its
 * evidence says at that moment; a refusal `clock` or `unlisted` is never stood in for; absence never stands in for
 * anything.
 */
export class KeptDocuments<P, V> {
  readonly #options: KeptDocumentsOptions<P, V>;
  readonly #remembered: Remembered<P, V>;
  readonly #underway = new Underway<P, V>();
  /** Names that are asked for behind: nobody needs to wait for that to go on. */
  readonly #asking = new Set<string>();
  /** Names whose flight somebody has waited for as long as anybody may. */
  readonly #slow = new Set<string>();

  constructor(options: KeptDocumentsOptions<P, V>) {
    this.#options = options;
    this.#remembered = new Remembered(options);
  }

  /** The document if it may be served this instant. No I/O. */
  warm(name: string): Warm<V> | undefined {
    const kept = this.#remembered.get(name);
    if (kept === undefined) return undefined;
    const { evidence, drawer } = this.#options;
    const { standing, believed } = evidence.standing(kept.drawing.believed);
    if (standing === 'stale-if-error' || standing === 'expired' || drawer.isDue(kept.drawing)) return undefined;
    const current = this.#under(name, kept, believed);
    if (standing === 'stale-while-revalidate') this.#askBehind(name, current);
    return { view: current.drawing.view, life: evidence.life(believed) };
  }

  /** Whole, where that is in memory and may be served without asking upstream first. No I/O. */
  atHand(name: string): Drawing<P, V> | undefined {
    return this.#remembered.atHand(name);
  }

  /** Whether there is one in memory or on disk; of what cannot be read there `find` tells. */
  async isHeld(name: string, caller: Caller): Promise<boolean> {
    if (this.#remembered.get(name) !== undefined) return true;
    return this.#recall(name, caller).then(
      (kept) => kept !== undefined,
      () => true,
    );
  }

  /** What memory says of names. */
  get remembered(): Pick<Remembered<P, V>, 'isAbsent' | 'isKept'> {
    return this.#remembered;
  }

  /** The document; throws Refusal, `unlisted` where there is none. */
  async find(name: string, caller: Caller, wanted: For = {}): Promise<Found<P, V>> {
    if (this.#remembered.isAbsent(name)) throw this.#options.absent(name, this.#remembered.absentFor(name));
    const found = await this.#find(name, caller, wanted);
    if (found === undefined) throw this.#options.absent(name, this.#remembered.absentFor(name));
    return found;
  }

  /** The same, whole. */
  async findWhole(name: string, caller: Caller, wanted?: For): Promise<Found<P, V>> {
    const { drawer, background } = this.#options;
    const found = await this.find(name, caller, wanted);
    if (drawer.isWhole(found.drawing)) return found;
    const kept = this.#remembered.wholeOf(name, found.drawing);
    if (kept !== undefined) return { ...found, drawing: kept };
    const drawing = await this.#underway.wholes.join(name, caller, (shared) => {
      const drawn = drawCurrent(this.#options, found.drawing.believed, shared).then((next) => {
        this.#replace(name, found.drawing, next, found.how);
        return next;
      });
      background.add(drawn);
      return drawn;
    });
    return { ...found, drawing };
  }

  /** Something that a document of this belief says proved wrong: where it came only once, upstream is asked anew, behind. */
  doubt(believed: Believed<P>): void {
    const { name, observation } = believed;
    const kept = this.#remembered.get(name);
    if (kept?.drawing.believed !== believed || observation.final || observation.repeated) return;
    const doubted = { ...kept, doubted: true };
    this.#remembered.keep(name, doubted);
    this.#askBehind(name, doubted);
  }

  /** Asks anew for a document of which something is gone, and waits for that; undefined where there is none any more. */
  again(believed: Believed<P>, caller: Caller): Promise<Found<P, V> | undefined> {
    const { name } = believed;
    const kept = this.#remembered.get(name);
    const doubted =
      kept?.drawing.believed === believed ? this.#remembered.keep(name, { ...kept, doubted: true }) : kept;
    return this.#ask(name, doubted, caller);
  }

  /** Asks upstream now, however fresh what is held is. Throws Refusal. */
  async look(name: string, caller: Caller): Promise<Look<P>> {
    const kept = this.#remembered.get(name) ?? (await this.#recall(name, caller));
    const found = await this.#ask(name, kept, caller);
    return { before: kept?.drawing.believed, now: found?.drawing.believed };
  }

  /** Asks upstream for the sake of nobody who waits: what is not in memory, and has not changed, is not drawn for that. Throws Refusal. */
  async confirm(name: string, caller: Caller): Promise<void> {
    if (this.#remembered.get(name) !== undefined) return void (await this.look(name, caller));
    const { drawer, evidence } = this.#options;
    const believed = await evidence.ask(name, undefined, caller);
    const { source, unsaved, observation } = believed;
    if (source === undefined || unsaved !== undefined) await this.#believe(name, believed, undefined, caller);
    // What a settled one lacks is seen where it is drawn.
    else if (isSettled(observation)) await drawRecalled(drawer, believed, source, caller);
  }

  /** Whether memory holds it, or that there is none, or is about to: what is being read may be older than what others say of it now. */
  isRemembered(name: string): boolean {
    return this.#remembered.get(name) !== undefined || this.#remembered.isGone(name) || this.#underway.has(name);
  }

  /** What is stored of it was changed by others: memory begins from that, whatever was under way. */
  async follow(name: string, caller: Caller): Promise<void> {
    this.#remembered.forget(name);
    await this.#underway.ended(name, caller);
    this.#remembered.forget(name);
  }

  async #find(name: string, caller: Caller, { outlived = false, held = false }: For): Promise<Found<P, V> | undefined> {
    const inMemory = this.#remembered.get(name);
    // Somebody else may have had it from upstream meanwhile.
    const kept = inMemory ?? (await this.#recall(name, caller)) ?? this.#remembered.get(name);
    if (kept === undefined) return held ? undefined : this.#askCold(name, caller);
    const how = inMemory === undefined ? 'disk' : 'memory';
    if (held) return this.#serve(name, kept, how, caller);
    const { standing, believed } = this.#options.evidence.standing(kept.drawing.believed);
    const current = this.#under(name, kept, believed);
    const speaks = outlived && standing === 'expired' && this.#options.evidence.outlives(believed);
    if (standing === 'expired' && !speaks) {
      const resting = this.#remembered.restingFrom(name, current);
      if (resting !== undefined) throw resting.error;
      return this.#ask(name, current, caller);
    }
    if (standing === 'stale-if-error' || speaks) return this.#standIn(name, current, how, caller);
    if (standing === 'stale-while-revalidate') this.#askBehind(name, current);
    return this.#serve(name, current, how, caller);
  }

  /** What is kept, drawn again first where that is due. */
  async #serve(name: string, kept: Kept<P, V>, how: How, caller: Caller): Promise<Found<P, V> | undefined> {
    const { drawing } = kept;
    const { drawer } = this.#options;
    const resting = this.#remembered.restingFrom(name, kept) !== undefined && !drawer.isOutdated(drawing);
    return resting || !drawer.isDue(drawing) ? { drawing, how } : this.#redraw(name, kept, how, caller);
  }

  #askCold(name: string, caller: Caller): Promise<Found<P, V> | undefined> {
    const resting = this.#remembered.restingFrom(name, undefined);
    if (resting !== undefined) throw resting.error;
    return this.#ask(name, undefined, caller);
  }

  /** What our own state vouches for. */
  async #recall(name: string, caller: Caller): Promise<Kept<P, V> | undefined> {
    const { evidence, drawer } = this.#options;
    if (evidence.recall === undefined) return undefined;
    return this.#underway.recalls.join(name, caller, async (shared) => {
      const believed = await evidence.recall?.(name);
      const already = this.#remembered.get(name);
      if (already !== undefined || believed?.source === undefined) return already;
      const drawing = await drawRecalled(drawer, believed, believed.source, shared);
      return drawing && this.#remembered.keep(name, { drawing });
    });
  }

  #ask(name: string, kept: Kept<P, V> | undefined, caller: Caller): Promise<Found<P, V> | undefined> {
    return this.#underway.asks.join(name, caller, (shared) => this.#tracked(name, this.#update(name, kept, shared)));
  }

  #askBehind(name: string, kept: Kept<P, V>): void {
    if (this.#asking.has(name) || this.#remembered.restingFrom(name, kept) !== undefined) return;
    if (!this.#options.breaker.mayAsk()) return;
    this.#asking.add(name);
    this.#ask(name, kept, internalCaller(this.#options.index))
      .catch(() => undefined)
      .finally(() => this.#asking.delete(name));
  }

  /** Upstream's word if it comes soon; what was believed last where it does not, or upstream fails. */
  async #standIn(name: string, kept: Kept<P, V>, how: How, caller: Caller): Promise<Found<P, V> | undefined> {
    const last = () => this.#serve(name, kept, how, caller);
    if (this.#remembered.restingFrom(name, kept) !== undefined || this.#slow.has(name)) return last();
    if (this.#options.breaker.isOpen) {
      this.#askBehind(name, kept);
      return last();
    }
    const asked = this.#ask(name, kept, caller).catch((error: unknown) => {
      if (caller.signal.aborted || isFinal(error)) throw error;
      return last();
    });
    // It goes on when this caller is served or has left.
    this.#askBehind(name, kept);
    const found = await within<Found<P, V> | 'late' | undefined>(LONGEST_WAIT_MS, asked, 'late');
    if (found !== 'late') return found;
    asked.catch(() => undefined);
    this.#slow.add(name);
    this.#options.breaker.late();
    return last();
  }

  /** The same belief, drawn again: pins, policy or time ask for it. */
  #redraw(name: string, kept: Kept<P, V>, how: How, caller: Caller): Promise<Found<P, V> | undefined> {
    const { background, drawer } = this.#options;
    const { drawing } = kept;
    return this.#underway.redraws.join(name, caller, (shared) => {
      const redrawn = drawCurrent(this.#options, drawing.believed, shared).then(
        (next) => this.#replace(name, drawing, next, how),
        (error: unknown) => {
          this.#fail(name, kept, error, shared);
          if (isFinal(error) || drawer.isOutdated(drawing)) throw error;
          return { drawing, how };
        },
      );
      background.add(redrawn);
      return redrawn;
    });
  }

  /** Keeps what was drawn again, unless upstream's next word came meanwhile. */
  #replace(name: string, drawing: Drawing<P, V>, next: Drawing<P, V>, how: How): Found<P, V> | undefined {
    if (this.#remembered.isGone(name)) return undefined;
    const latest = this.#remembered.get(name);
    if (latest !== undefined && latest.drawing.believed.source !== drawing.believed.source)
      return { drawing: latest.drawing, how };
    return { drawing: this.#remembered.keep(name, { ...latest, drawing: next }).drawing, how };
  }

  async #update(name: string, before: Kept<P, V> | undefined, caller: Caller): Promise<Found<P, V> | undefined> {
    const kept = this.#remembered.get(name) ?? before;
    const { breaker } = this.#options;
    try {
      const believe = (believed: Believed<P>) => this.#believe(name, believed, kept, caller);
      const found = await askedOnce(this.#options, { name, kept, caller, believe });
      breaker.answered();
      if (kept?.failed !== undefined) standsInNoMore(this.#options.reports, name);
      return found;
    } catch (error) {
      if (!caller.signal.aborted) breaker.failed(error);
      this.#fail(name, kept, error, caller);
      throw error;
    }
  }

  async #believe(name: string, believed: Believed<P>, kept: Kept<P, V> | undefined, caller: Caller) {
    const { drawer } = this.#options;
    if (believed.source === undefined) {
      this.#remembered.gone(name, believed, (await this.#options.isKept?.(name)) === true);
      await drawer.gone(believed);
      return undefined;
    }
    this.#remembered.found(name);
    const same = kept !== undefined && isSameSource(kept.drawing.believed, believed) ? kept.drawing : undefined;
    // What is not stored yet is stored where it is drawn or restored.
    const again = same && believed.unsaved === undefined ? await drawer.again(same, believed) : undefined;
    const restored = again ?? (await drawer.restore(believed, believed.source));
    const drawing = restored ?? (await drawCurrent(this.#options, believed, caller));
    return { drawing: this.#remembered.keep(name, { drawing }).drawing, how: believed.from };
  }

  #fail(name: string, kept: Kept<P, V> | undefined, error: unknown, caller: Caller): void {
    if (caller.signal.aborted) return;
    const before = (this.#remembered.get(name) ?? kept)?.failed;
    const last = this.#remembered.failed(name, kept, error, this.#options.backOffCold ?? false);
    const { subject, reports } = this.#options;
    if (!isUnlisted(error)) reports.refused({ subject, name: nameOf(name) }, error);
    if (last !== undefined && !isFinal(error)) standsIn(reports, name, before?.error, error);
  }

  #under(name: string, kept: Kept<P, V>, believed: Believed<P>): Kept<P, V> {
    if (believed === kept.drawing.believed) return kept;
    return this.#remembered.keep(name, { ...kept, drawing: this.#options.drawer.under(kept.drawing, believed) });
  }

  #tracked<T>(name: string, work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#slow.delete(name));
    this.#options.background.add(tracked);
    return tracked;
  }
}
