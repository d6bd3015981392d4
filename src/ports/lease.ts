/** A key that was taken. It renews itself until it is released, or its holder is gone. */
export interface Holding {
  readonly held: true;
  /** False where nothing could say whether somebody else has it, too. */
  readonly sure: boolean;
  /** Gives the key up. Only this holding's own: where the key was lost and somebody else has it now, nothing happens. Never rejects. */
  release(): Promise<void>;
}

/** Somebody else has it. */
export interface HeldElsewhere {
  readonly held: false;
  /** Who, for people, where that is known. */
  readonly heldBy: string | undefined;
}

/**
 * Who does a piece of work that several could do at once. It saves work and decides nothing: whoever was told that a key is held may do
 * the work all the same, and what comes of it is judged by itself. Without its service every key is granted at once. A holder
 * that is gone loses its key after a term. `blobs/under-lease.ts` is how it is asked.
 */
export interface Lease {
  take(key: string): Promise<Holding | HeldElsewhere>;
  /** Resolves when the key may be free, or the signal aborts. A hint: whoever waited looks for what was to be done. */
  ended(key: string, signal: AbortSignal): Promise<void>;
}
