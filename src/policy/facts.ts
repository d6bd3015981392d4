import type { ByHand } from './by-hand.ts';

/** What is known of one project besides its page and pins. Whoever adds a rule adds what it looks at here. */
export interface Facts {
  /** An operator's words (verbatim quarantine). */
  readonly byHand?: ByHand | undefined;
}

export const NO_FACTS: Facts = {};
