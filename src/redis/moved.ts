import type { Authenticator } from '../bytes/authentic.ts';
import type { RedisConnection } from './connection.ts';

/** Bytes of a message: a tag, and a line. */
const MOST_BYTES = 1024;
/** Between two messages of one index that are looked into. Milliseconds. */
const APART_MS = 250;
/** Of messages that are no news of ours so many are looked into in a second; a tag takes microseconds. */
const LOOKED_INTO = 1000;

interface MovedOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly authenticator: Authenticator;
  /** Names what all replicas of an index have in common, by index. */
  readonly subjects: ReadonlyMap<string, string>;
  /** Another replica has accepted a newer version than any that is known here. */
  onNewer(index: string): void;
  /** Milliseconds of a clock that does not jump. */
  readonly nowMs?: (() => number) | undefined;
}

/**
 * Tells other replicas that an index has new signed metadata, and hears it of them. What is heard makes this replica look for itself, and
 * nothing else: a version counts as its signed document alone.
 */
export class Moved {
  readonly #options: MovedOptions;
  /** The highest version by index, of our own or heard. */
  readonly #known = new Map<string, number>();
  readonly #heardAt = new Map<string, number>();
  #second = 0;
  #lookedInto = 0;

  constructor(options: MovedOptions) {
    this.#options = options;
    options.connection.listen(this.#channel, (message) => this.heard(message));
  }

  /** This replica has accepted that version. */
  tell(index: string, version: number): void {
    const subject = this.#options.subjects.get(index);
    if (subject === undefined || version <= (this.#known.get(index) ?? 0)) return;
    this.#known.set(index, version);
    const message = this.#options.authenticator.seal(subject, Buffer.from(`${index}\n${version}`));
    void this.#options.connection.ask('PUBLISH', this.#channel, Buffer.from(message));
  }

  /** A message as it came. Public for whoever has one. */
  heard(message: Uint8Array): void {
    if (message.byteLength > MOST_BYTES || !this.#isWithinBudget()) return;
    for (const [index, subject] of this.#options.subjects) {
      const authentic = this.#options.authenticator.open(subject, new Uint8Array(message));
      if (authentic === undefined) continue;
      const [name, digits = ''] = Buffer.from(Uint8Array.from(authentic.bytes)).toString().split('\n');
      const version = Number(digits);
      if (name === index && Number.isSafeInteger(version)) this.#look(index, version);
      return;
    }
  }

  #look(index: string, version: number): void {
    const now = this.#now();
    const isRecent = now - (this.#heardAt.get(index) ?? Number.NEGATIVE_INFINITY) < APART_MS;
    if (version <= (this.#known.get(index) ?? 0) || isRecent) return;
    this.#heardAt.set(index, now);
    this.#known.set(index, version);
    this.#options.onNewer(index);
  }

  #isWithinBudget(): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) this.#lookedInto = 0;
    this.#second = second;
    return ++this.#lookedInto <= LOOKED_INTO;
  }

  get #channel(): string {
    return `${this.#options.prefix}:moved`;
  }

  #now(): number {
    return (this.#options.nowMs ?? (() => performance.now()))();
  }
}
