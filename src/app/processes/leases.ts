import type { ToSupervisor, ToWorker } from './messages.ts';

/** A worker that has said nothing for so long has lost what it holds. Milliseconds. */
export const TERM_MS = 5000;

/** Who may hold a key. */
export interface Holder {
  /** Milliseconds since it last said anything. */
  readonly silentFor: number;
  send(message: Extract<ToWorker, { kind: 'taken' | 'free' }>): void;
}

interface Taken {
  readonly holder: Holder;
  readonly token: number;
}

/** Which worker downloads what. One that ends, or stands still for a term, holds nothing any more. */
export class Leases {
  readonly #taken = new Map<string, Taken>();
  readonly #onFree: (key: string) => void;
  readonly #timer: NodeJS.Timeout;
  #tokens = 0;

  /** `onFree` hears of each key that may be taken again. */
  constructor(onFree: (key: string) => void) {
    this.#onFree = onFree;
    this.#timer = setInterval(() => setImmediate(() => this.look()), TERM_MS / 5).unref();
  }

  /** What a worker asks or says of a key. */
  hear(holder: Holder, message: Extract<ToSupervisor, { kind: 'take' | 'watch' | 'release' }>): void {
    const { kind, key } = message;
    if (kind === 'take') holder.send({ kind: 'taken', id: message.id, token: this.#take(holder, key) });
    else if (kind === 'release') this.#release(key, message.token);
    else if (!this.#taken.has(key)) holder.send({ kind: 'free', key });
  }

  /** The token it is released by; undefined where another has the key. */
  #take(holder: Holder, key: string): number | undefined {
    if (this.#taken.has(key)) return undefined;
    const token = ++this.#tokens;
    this.#taken.set(key, { holder, token });
    return token;
  }

  #release(key: string, token: number): void {
    if (this.#taken.get(key)?.token === token) this.#free(key);
  }

  /** The worker has ended. */
  leave(holder: Holder): void {
    for (const [key, taken] of this.#taken) if (taken.holder === holder) this.#free(key);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Frees what is held by who has been silent for a term. */
  look(): void {
    for (const [key, { holder }] of this.#taken) if (holder.silentFor >= TERM_MS) this.#free(key);
  }

  #free(key: string): void {
    this.#taken.delete(key);
    this.#onFree(key);
  }
}
