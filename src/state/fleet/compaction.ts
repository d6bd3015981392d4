import type { NewVersion } from '../../ports/state-storage.ts';
import type { Chain, ChainParts } from './chain.ts';
import type { OpenedEntry } from './log-entry.ts';
import { foldersOf, readWhole, removeWhole, writeWhole } from './parts.ts';
import { type Position, positionIn, positionPath } from './position.ts';
import type { PassedSegment } from './segments.ts';
import type { Snapshot } from './snapshots.ts';

/** What was done to the store of one index. */
export interface Compaction {
  readonly index: string;
  /** The last entry that is in the new snapshot, and its bytes. */
  readonly number: number;
  readonly bytes: number;
  /** Entries that are gone. */
  readonly removed: number;
}

/** A snapshot is due after so many bytes of entries, or as many as the last one has. */
export const DUE_BYTES = 8 * 1024 * 1024;
/** Entries that are read, or removed, at once. */
const AT_ONCE = 8;

/**
 * Cuts one index's log: a snapshot of what it has come to takes the place of what led there. Whoever wrote the entry that begins a segment does it, so that
 * it is one replica at a time; two do no harm. Nothing goes before a snapshot was read back whole, and nothing behind the one before it, so that replicas that lag a
 * little only read on. What is left when it dies is taken up by the next.
 */
export class Compactor {
  readonly #parts: ChainParts;
  readonly #chain: Chain;
  readonly #dueBytes: number;

  constructor(parts: ChainParts, chain: Chain, dueBytes: number) {
    this.#parts = parts;
    this.#chain = chain;
    this.#dueBytes = dueBytes;
  }

  /** Undefined where nothing is due, or another replica is at it. Throws Refusal `state`. */
  async compact(): Promise<Compaction | undefined> {
    const { snapshots, objects, passed } = this.#parts;
    const from = await this.#chain.position();
    if (from === undefined || !(await this.#isDue(from))) return undefined;
    const named = await passed.next();
    const snapshot = await this.#taken(from);
    if (!(await snapshots.create(snapshot))) return undefined;
    await this.#prove(snapshot);
    const numbers = await snapshots.numbers();
    // Who took so long that others have done it meanwhile may have lost what was not named yet.
    if (numbers.some((number) => number > from.number && number !== snapshot.number)) return undefined;
    const removed = await this.#cut(snapshot, numbers, named);
    return { index: objects.index, number: snapshot.number, bytes: snapshot.state.bytes, removed };
  }

  async #isDue({ written, log }: Position): Promise<boolean> {
    for (const number of await this.#parts.snapshots.numbers()) {
      const last = await this.#parts.snapshots.read(number);
      if (last?.log === log) return written - last.written >= Math.max(this.#dueBytes, last.state.bytes);
    }
    return written >= this.#dueBytes;
  }

  /** Of one moment, and in the store; nothing names it yet. */
  async #taken(from: Position): Promise<Snapshot> {
    const { local, objects } = this.#parts;
    const mark = JSON.stringify(positionPath(objects.index));
    let at = from;
    async function* noticing(versions: AsyncIterable<readonly NewVersion[]>) {
      for await (const some of versions) {
        for (const each of some) if (JSON.stringify(each.item) === mark) at = positionIn(each, objects.index);
        yield some;
      }
    }
    const state = await writeWhole(objects, from.number, noticing(local.dump(objects.index)));
    const { number, digest, log, written } = at;
    return { number, digest, log, written, state };
  }

  /** That it is whole, and of the log that lies there. */
  async #prove({ number, digest, state }: Snapshot): Promise<void> {
    const { objects, log } = this.#parts;
    for await (const _ of readWhole(objects, state));
    if ((await log.read(number))?.digest !== digest) throw this.#chain.unsteady();
  }

  /** What the last two snapshots make needless goes. */
  async #cut(snapshot: Snapshot, numbers: readonly number[], named: number): Promise<number> {
    const { log, snapshots, objects } = this.#parts;
    const before = await this.#before(snapshot, numbers);
    const kept = new Set([snapshot.state.folder]);
    let removed = 0;
    if (before === undefined) {
      const first = await log.read(0);
      if (first?.begins?.state !== undefined) kept.add(first.begins.state.folder);
    } else {
      kept.add(before.state.folder);
      removed = await this.#removeEntries(before.number, named);
      for (const number of numbers) if (number < before.number) await snapshots.remove(number);
    }
    for (const folder of await foldersOf(objects))
      if (!kept.has(folder) && Number(folder.split('-')[0]) <= snapshot.number) await removeWhole(objects, folder);
    return removed;
  }

  async #before(snapshot: Snapshot, numbers: readonly number[]): Promise<Snapshot | undefined> {
    for (const number of numbers) {
      if (number >= snapshot.number) continue;
      const found = await this.#parts.snapshots.read(number);
      if (found?.log === snapshot.log) return found;
    }
    return undefined;
  }

  /**
   * Whole segments below this entry are named as passed, and the entries of those go that were when this began: by now a reader who is told what was a while ago
   * is told so.
   */
  async #removeEntries(below: number, named: number): Promise<number> {
    const { log, passed } = this.#parts;
    const { segment: size = 1 } = (await this.#chain.position()) ?? {};
    const end = Math.floor(below / size);
    const numbers = await log.below(Math.min(named, end) * size);
    for (let at = 0; at < numbers.length; at += AT_ONCE)
      await Promise.all(numbers.slice(at, at + AT_ONCE).map((number) => log.remove(number)));
    for (let segment = await passed.next(); segment < end; segment++)
      await passed.create(await this.#record(segment, size));
    return numbers.length;
  }

  /** Which entries a segment has, each seen to follow the one before. */
  async #record(segment: number, size: number): Promise<PassedSegment> {
    const { log, passed } = this.#parts;
    const last = segment === 0 ? '' : (await passed.read(segment - 1))?.digests.at(-1);
    if (last === undefined) throw this.#chain.unsteady();
    const digests: string[] = [];
    let previous = last;
    for (let at = 0; at < size; at += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, size - at) }, (_, place) => segment * size + at + place);
      for (const entry of await Promise.all(numbers.map((number) => log.read(number)))) {
        previous = this.#following(entry, previous);
        digests.push(previous);
      }
    }
    return { segment, previous: last, digests };
  }

  #following(entry: OpenedEntry | undefined, previous: string): string {
    if (entry === undefined) throw this.#chain.unsteady();
    if (entry.previous !== previous)
      throw this.#chain.refusal(`entry ${entry.number} of the log does not follow the one before`);
    return entry.digest;
  }
}
