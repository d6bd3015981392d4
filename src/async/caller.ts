/** A client goes before background work wherever both wait. */
export type Priority = 'client' | 'background';

/** Who waits: a client, or one of the mirror's own jobs. */
export interface Caller {
  /** Name of the index that is asked. */
  readonly index: string;
  /** The client's address (of an IPv6 address its /64), or the name of the job. */
  readonly party: string;
  /** The client's connection; compared by identity only. */
  readonly connection?: object | undefined;
  /** Read whenever a place is given out, because work that a client joins moves up. */
  readonly priority: Priority;
  /** Aborts when the caller has left, or its deadline has passed. */
  readonly signal: AbortSignal;
  /** Present where the priority may rise: `look` is called each time it has. Returns what ends that. */
  readonly onRaise?: ((look: () => void) => () => void) | undefined;
}

const NEVER = new AbortController().signal;

/** The mirror itself, or one of its jobs (`party`); a `client` where clients wait for what it asks. Never leaves. */
export function internalCaller(index: string, party = 'mirror', priority: Priority = 'background'): Caller {
  return { index, party, priority, signal: NEVER };
}

/** The same caller with another signal. A spread would freeze a priority that may still rise. */
export function withSignal(caller: Caller, signal: AbortSignal): Caller {
  const { index, party, connection, onRaise } = caller;
  return {
    index,
    party,
    connection,
    get priority() {
      return caller.priority;
    },
    signal,
    onRaise,
  };
}
