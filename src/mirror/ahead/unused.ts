import type { Instant } from '../../bytes/instant.ts';
import type { LookKind } from '../../ports/events.ts';
import { isRecent } from '../recent.ts';

/** What was looked ahead. `bytes`: as far as they have come. */
export interface Unused {
  readonly kind: LookKind;
  readonly since: Instant;
  readonly bytes: number;
}

/** Seconds after which what nobody asked for counts as wasted. */
const WASTED_AFTER = 600;
/** Past it the oldest counts as wasted at once. */
const MOST_UNUSED = 10_000;

/** What was looked ahead and no client has asked for yet, by its key, oldest first. */
export class UnusedLooks {
  readonly #looks = new Map<string, Unused>();

  get size(): number {
    return this.#looks.size;
  }

  add(key: string, look: Unused): void {
    this.#looks.delete(key);
    this.#looks.set(key, look);
  }

  /** So much of it has come. False where a client has asked for it meanwhile. */
  came(key: string, bytes: number): boolean {
    const look = this.#looks.get(key);
    if (look !== undefined) this.#looks.set(key, { ...look, bytes });
    return look !== undefined;
  }

  /** Takes it out: a client asks for it, or it came to nothing. */
  take(key: string): Unused | undefined {
    const look = this.#looks.get(key);
    this.#looks.delete(key);
    return look;
  }

  /** Takes out what nobody has asked for for too long. */
  *wasted(now: Instant): Generator<Unused, void, undefined> {
    for (const [key, look] of this.#looks) {
      if (this.#looks.size <= MOST_UNUSED && isRecent(look.since, WASTED_AFTER, now)) return;
      this.#looks.delete(key);
      yield look;
    }
  }
}
