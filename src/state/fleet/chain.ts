import { Refusal } from '../../bytes/refusal.ts';
import type { ItemPath, StateChange, StateCopy } from '../../ports/state-storage.ts';
import type { StateLog } from './log.ts';
import type { OpenedEntry } from './log-entry.ts';
import type { IndexObjects } from './objects.ts';
import { isWhole, readWhole, type WholeState, writeWhole } from './parts.ts';
import { markOf, type Position, readPosition } from './position.ts';
import type { PassedSegments } from './segments.ts';
import type { Snapshots } from './snapshots.ts';

/** What one index has in the store, and the copy of it here. */
export interface ChainParts {
  readonly local: StateCopy;
  readonly objects: IndexObjects;
  readonly log: StateLog;
  readonly passed: PassedSegments;
  readonly snapshots: Snapshots;
  /** Entries of a segment, of a log that begins here. */
  readonly segment: number;
  /** Never goes back. */
  readonly monotonicMs: () => number;
  /** Called once this copy begins somewhere. `bytes`: of what was put there or read as a whole. */
  readonly onStep: (step: ChainStep, entry: number, bytes: number) => void;
}

/** How a copy comes to stand where it does: it begins the log, is empty before, or lagged behind what is left of the log. */
export type ChainStep = 'founded' | 'joined' | 'jumped';

/** Most entries that are asked for at once by who lags behind. */
const AHEAD = 8;
/** That the log has no more entries is believed for this time before it is asked whether it was cut before them. Milliseconds. */
const SURE_MS = 10_000;
/** Entries of which it is remembered what they changed. */
const REMEMBERED = 1024;
/** Items that a refusal names. */
const NAMED = 3;

/** Moves a copy along its log. Throws Refusal `state` for a log that is not its own, or is not whole; transient where the store is away. */
export class Chain {
  readonly #parts: ChainParts;
  /** This copy was seen to be one of the log that lies there now. */
  #isProved = false;
  /** When the end of the log was last seen to be its end. */
  #sureAtMs = Number.NEGATIVE_INFINITY;
  readonly #changed = new Map<number, readonly ItemPath[]>();

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  position(): Promise<Position | undefined> {
    return readPosition(this.#parts.local, this.#parts.objects.index);
  }

  /** What was seen of the log is looked at again, as after a time in which nothing was seen of it. */
  doubt(): void {
    this.#isProved = false;
    this.#sureAtMs = Number.NEGATIVE_INFINITY;
  }

  async proved(): Promise<Position> {
    const at = await this.position();
    if (this.#isProved && at !== undefined) return at;
    const proved = at === undefined ? await this.#begin() : await this.#compare(at);
    this.#isProved = true;
    return proved;
  }

  async caughtUp(from: Position): Promise<Position> {
    let at = from;
    for (let ahead = 1; ; ahead = Math.min(2 * ahead, AHEAD)) {
      const entries = await this.#after(at, ahead);
      const isEnd = entries.length < ahead;
      // Asked after they were read: so they lay there while the log was whole.
      if ((entries.length > 0 || !this.#isSure()) && (await this.#isPassed(at.number + 1, at))) {
        at = await this.#jump(at);
        ahead = 1;
        continue;
      }
      for (const entry of entries) at = await this.#next(at, entry, false);
      if (isEnd) return at;
    }
  }

  /** Undefined where another has this number. */
  async append(at: Position, changes: readonly StateChange[]): Promise<Position | undefined> {
    const number = at.number + 1;
    const own = await this.#parts.log.create({ number, previous: at.digest, changes });
    if (own === undefined) return undefined;
    if (!(await this.#isPassed(number, at))) return this.#next(at, own, true);
    // The log was cut here: what was created may be none of its entries, where one of this number has gone.
    const record = await this.#parts.passed.read(Math.floor(number / at.segment));
    return record?.digests[number % at.segment] === own.digest ? this.#jump(at) : undefined;
  }

  /** What an entry changed; undefined where that is not to be had any more. */
  async changedBy(number: number): Promise<readonly ItemPath[] | undefined> {
    const known = this.#changed.get(number);
    if (known !== undefined) return known;
    const entry = await this.#parts.log.read(number);
    return entry && itemsOf(entry);
  }

  refusal(what: string): Refusal {
    return new Refusal('state', `Index ${this.#parts.objects.index} cannot follow its fleet: ${what}.`, {
      subject: 'state',
    });
  }

  unsteady(): Refusal {
    return new Refusal(
      'state',
      `The store of the fleet's state says one thing of index ${this.#parts.objects.index} and then another. Try again.`,
      { subject: 'state', transient: true },
    );
  }

  #isSure(): boolean {
    return this.#parts.monotonicMs() - this.#sureAtMs < SURE_MS;
  }

  async #isPassed(number: number, { segment }: Position): Promise<boolean> {
    const asked = this.#parts.monotonicMs();
    if (await this.#parts.passed.has(Math.floor(number / segment))) return true;
    this.#sureAtMs = asked;
    return false;
  }

  /** Those that come next, up to the first that is not there. */
  async #after({ number }: Position, most: number): Promise<readonly OpenedEntry[]> {
    const asked = Array.from({ length: most }, (_, place) => this.#parts.log.read(number + 1 + place));
    // One that fails behind the end is nobody's trouble.
    for (const each of asked) each.catch(() => undefined);
    const entries: OpenedEntry[] = [];
    for (const each of asked) {
      const entry = await each;
      if (entry === undefined) break;
      entries.push(entry);
    }
    return entries;
  }

  /** A copy of nothing yet: of the log that lies there, or of one that begins here, with what is held here. */
  async #begin(): Promise<Position> {
    const { local, log, objects } = this.#parts;
    const own: ItemPath[] = [];
    for await (const item of local.items([objects.index])) if (own.push(item) > NAMED) break;
    const there = await log.read(0);
    const begun = there === undefined ? await this.#found(own.length > 0) : undefined;
    const first = there ?? begun ?? (await log.read(0));
    const isNew = begun !== undefined;
    if (first?.begins === undefined) throw this.unsteady();
    const { digest, bytes } = first;
    const { segment, state } = first.begins;
    const at: Position = { number: 0, digest, log: digest, segment, written: bytes };
    if (own.length > 0) {
      const isFounder = state !== undefined && (await isWhole(state, objects.index, local.dump(objects.index)));
      // Another process of this machine may have been quicker.
      const now = isFounder ? undefined : await this.position();
      if (now !== undefined) return this.#compare(now);
      if (!isFounder) throw this.#stranger(own);
      return this.#beganAt(at, 'founded', state.bytes);
    }
    const newest = await this.#fromSnapshot(at, -1, 'joined');
    if (newest !== undefined) return newest;
    return state === undefined
      ? this.#beganAt(at, isNew ? 'founded' : 'joined', 0)
      : this.#replaced(at, state, 'joined');
  }

  async #beganAt(to: Position, step: ChainStep, bytes: number): Promise<Position> {
    const { local, objects, onStep } = this.#parts;
    const at = await this.#moved(to, () => local.apply(markOf(objects.index, to), [], false));
    onStep(step, at.number, bytes);
    return at;
  }

  /** The log begins with what is held here. Undefined where another began it. */
  async #found(hasOwn: boolean): Promise<OpenedEntry | undefined> {
    const { local, log, objects, segment } = this.#parts;
    const state = hasOwn ? await writeWhole(objects, 0, local.dump(objects.index)) : undefined;
    return log.create({ number: 0, previous: '', changes: [], begins: { segment, state } });
  }

  async #compare(at: Position): Promise<Position> {
    const { log, passed } = this.#parts;
    const first = await log.read(0);
    if (first === undefined) throw this.refusal(`the store holds no log, and there was one: it was emptied`);
    if (first.digest !== at.log) throw this.refusal(`the store holds another log than the one that was followed`);
    const there = at.number === 0 ? first : await log.read(at.number);
    if (there?.digest === at.digest) return at;
    // Where the log was cut, what lies under its number says nothing.
    if ((await passed.read(Math.floor(at.number / at.segment))) !== undefined) return this.#jump(at);
    if (there === undefined)
      throw this.refusal(`the log in the store ends before entry ${at.number}, which was seen here: it was put back`);
    throw this.refusal(`entry ${at.number} of the log is not the one that was seen here`);
  }

  /** From where the log was cut behind this copy to a snapshot of what it has come to. */
  async #jump(at: Position): Promise<Position> {
    const record = await this.#parts.passed.read(Math.floor(at.number / at.segment));
    if (record === undefined) throw this.unsteady();
    if (record.digests[at.number % at.segment] !== at.digest)
      throw this.refusal(`entry ${at.number} of the log was not the one that was seen here`);
    const newest = await this.#fromSnapshot(at, at.number, 'jumped');
    if (newest === undefined)
      throw this.refusal(`the log was cut behind entry ${at.number}, and there is no snapshot of what came after`);
    return newest;
  }

  /** From the newest snapshot of this log that is whole and stands above this entry; undefined where there is none. */
  async #fromSnapshot({ log, segment }: Position, above: number, step: ChainStep): Promise<Position | undefined> {
    let failure: unknown;
    for (const number of await this.#parts.snapshots.numbers()) {
      if (number <= above) break;
      const snapshot = await this.#parts.snapshots.read(number);
      if (snapshot?.log !== log) continue;
      const { digest, written, state } = snapshot;
      try {
        return await this.#replaced({ number, digest, log, segment, written }, state, step);
      } catch (error) {
        if (!(error instanceof Refusal) || error.transient || error.reason !== 'state') throw error;
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  async #replaced(to: Position, state: WholeState, step: ChainStep): Promise<Position> {
    const { local, objects, onStep } = this.#parts;
    const at = await this.#moved(to, () => local.replace(markOf(objects.index, to), () => readWhole(objects, state)));
    onStep(step, at.number, state.bytes);
    return at;
  }

  /** `acting`: this process made it. */
  async #next(from: Position, entry: OpenedEntry, acting: boolean): Promise<Position> {
    const { number, digest, previous, bytes, changes } = entry;
    if (previous !== from.digest)
      throw this.refusal(`entry ${number} of the log does not follow entry ${from.number} as it was seen here`);
    const at: Position = { ...from, number, digest, written: from.written + bytes };
    const { local, objects } = this.#parts;
    const moved = await this.#moved(at, () => local.apply(markOf(objects.index, at), changes, acting));
    this.#changed.set(number, itemsOf(entry));
    this.#changed.delete(number - REMEMBERED);
    return moved;
  }

  /** Where another process of this machine was quicker it has done the same. */
  async #moved(to: Position, move: () => Promise<boolean>): Promise<Position> {
    await move();
    const at = await this.position();
    if (at === undefined || at.number < to.number) throw this.unsteady();
    return at;
  }

  #stranger(own: readonly ItemPath[]): Refusal {
    const names = own.slice(0, NAMED).map((item) => item.slice(1).join('/'));
    const more = own.length > NAMED ? ' and more' : '';
    return this.refusal(
      `what this data directory remembers of it (${names.join(', ')}${more}) was never part of the fleet, and is not what the fleet was founded with. A replica joins with an empty data directory; what a mirror holds alone becomes a fleet's where the store holds none`,
    );
  }
}

function itemsOf({ changes }: OpenedEntry): readonly ItemPath[] {
  return changes.flatMap((change) => (change.kind === 'create' ? change.creations.map(({ item }) => item) : []));
}
