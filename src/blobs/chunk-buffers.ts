import type { Caller } from '../async/caller.ts';
import { enterIfFree, type Gate } from '../async/gate.ts';
import { CHUNK, PATIENCE_MS } from './limits.ts';

/** A buffer of one chunk, on loan. */
export interface Lent {
  readonly buffer: Buffer;
  /** Once, when nothing reads into it. `isSending`: something may read from it still, so that it is lent to nobody else. */
  giveBack(isSending?: boolean): void;
}

interface Pause {
  readonly since: number;
  readonly giveUp: () => void;
}

/**
 * Buffers of one chunk, as many as the gate has places, so that memory does not grow with the number of readers.
 * Whoever holds one while it waits for its client says so (`pause`): while somebody waits for a buffer, those whose
 * clients have kept them waiting longest give theirs up. So no client's pace decides when another is served.
 */
export class ChunkBuffers {
  readonly #gate: Gate;
  readonly #idle: number;
  readonly #patience: number;
  readonly #free: Buffer[] = [];
  /** In the order in which they began. */
  readonly #pauses = new Set<Pause>();
  #timer: NodeJS.Timeout | undefined;

  /** `idle`: buffers kept for the next reader; `patience`: milliseconds a client may keep a reader waiting with a buffer that another wants. */
  constructor(gate: Gate, idle: number, patience: number = PATIENCE_MS) {
    this.#gate = gate;
    this.#idle = idle;
    this.#patience = patience;
  }

  get inUse(): number {
    return this.#gate.usage.busy;
  }

  /** Waits for one; throws Refusal `limit` where too many wait already or none came in time, or the signal's reason. */
  async take(caller: Caller): Promise<Lent> {
    const entering = this.#gate.enter(caller);
    this.#takeBack();
    return this.#lend(await entering);
  }

  /** One more, if nobody has to wait for it. */
  async takeSpare(caller: Caller): Promise<Lent | undefined> {
    const leave = await enterIfFree(this.#gate, caller);
    return leave && this.#lend(leave);
  }

  /** Until what it returns is called, `giveUp` may be called, once. It gives back whatever was lent. */
  pause(giveUp: () => void): () => void {
    const pause: Pause = { since: performance.now(), giveUp };
    this.#pauses.add(pause);
    if (this.#gate.usage.waiting > 0) this.#takeBack();
    return () => void this.#pauses.delete(pause);
  }

  #lend(leave: () => void): Lent {
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
    return {
      buffer,
      giveBack: (isSending = false) => {
        // Whoever waits takes it at once.
        const isWanted = this.#free.length < this.#idle || this.#gate.usage.waiting > 0;
        if (isWanted && !isSending) this.#free.push(buffer);
        leave();
      },
    };
  }

  /** As many as are waited for, of those whose time is up; looks again when the next one's is. */
  #takeBack(): void {
    for (const pause of this.#pauses) {
      if (this.#gate.usage.waiting === 0) return;
      const left = pause.since + this.#patience - performance.now();
      if (left > 0) {
        this.#lookIn(left);
        return;
      }
      this.#pauses.delete(pause);
      pause.giveUp();
    }
  }

  #lookIn(milliseconds: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#takeBack();
    }, milliseconds).unref();
  }
}
