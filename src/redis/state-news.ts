import { randomUUID } from 'node:crypto';
import type { Authenticator } from '../bytes/authentic.ts';
import type { StateHints } from '../ports/state-hints.ts';
import type { RedisConnection } from './connection.ts';

/** Bytes of a message: a tag, a name and the sender. */
const MOST_BYTES = 1024;
/** Of messages that are not ours so many are looked into in a second; a tag takes microseconds. */
const LOOKED_INTO = 1000;
/** What is written at once is told once. Milliseconds. */
const APART_MS = 20;

interface StateNewsOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
  /** Under a key that the replicas of one fleet share. */
  readonly authenticator: Authenticator;
  /** Milliseconds of a clock that does not jump. */
  readonly nowMs?: (() => number) | undefined;
}

/** Tells other replicas that something was written of an index, by Redis. A message that is forged is passed over; one that is lost is made up for by the next look. */
export class StateNews implements StateHints {
  readonly #options: StateNewsOptions;
  readonly #self = randomUUID();
  readonly #waiting = new Set<string>();
  readonly #heard = new Set<(index: string) => void>();
  #second = 0;
  #lookedInto = 0;

  constructor(options: StateNewsOptions) {
    this.#options = options;
    options.connection.listen(this.#channel, (message) => this.heard(message));
  }

  tell(index: string): void {
    if (this.#waiting.has(index)) return;
    this.#waiting.add(index);
    setTimeout(() => {
      this.#waiting.delete(index);
      const { authenticator, connection } = this.#options;
      const message = authenticator.seal(this.#channel, Buffer.from(`${index}\n${this.#self}`));
      void connection.ask('PUBLISH', this.#channel, Buffer.from(message));
    }, APART_MS).unref();
  }

  listen(heard: (index: string) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** A message as it came. Public for whoever has one. */
  heard(message: Uint8Array): void {
    if (message.byteLength > MOST_BYTES || !this.#isWithinBudget()) return;
    const authentic = this.#options.authenticator.open(this.#channel, new Uint8Array(message));
    if (authentic === undefined) return;
    const [index = '', sender] = Buffer.from(Uint8Array.from(authentic.bytes)).toString().split('\n');
    if (sender !== this.#self) for (const heard of this.#heard) heard(index);
  }

  #isWithinBudget(): boolean {
    const second = Math.floor((this.#options.nowMs ?? (() => performance.now()))() / 1000);
    if (second !== this.#second) this.#lookedInto = 0;
    this.#second = second;
    return ++this.#lookedInto <= LOOKED_INTO;
  }

  get #channel(): string {
    return `${this.#options.prefix}:state`;
  }
}
