/** A client goes before background work wherever both wait. */
export type Priority = 'client' | 'background';

/** What a client calls its request, in words that are sane. */
export interface Trace {
  readonly requestId: string;
  /** W3C Trace Context §3.2. */
  readonly traceparent?: string | undefined;
}

/** Who waits: a client, or one of the mirror's own jobs. */
export interface Caller {
  /** Name of the index that is asked. */
  readonly index: string;
  /** The client's address (of an IPv6 address its /64), or the name of the job. Of shared work: of one who still waits for it. */
  readonly party: string;
  /** The client's connection; compared by identity only. */
  readonly connection?: object | undefined;
  /** Of shared work: of one who still waits for it. Read as each request is sent. */
  readonly trace?: Trace | undefined;
  /** Read whenever a place is given out, because work that a client joins moves up. */
  readonly priority: Priority;
  /** Aborts when the caller has left, or its deadline has passed. */
  readonly signal: AbortSignal;
  /** Present where priority, party and connection may change: `look` is called each time. Returns what ends that. */
  readonly onChange?: ((look: () => void) => () => void) | undefined;
  /** Asked where a client waits for a place that this one holds: true where it gives the place back because nobody needs it. */
  readonly giveWay?: (() => boolean) | undefined;
}

const NEVER = new AbortController().signal;

/** The mirror itself, or one of its jobs (`party`); a `client` where clients wait for what it asks. Never leaves. */
export function internalCaller(index: string, party = 'mirror', priority: Priority = 'background'): Caller {
  return { index, party, priority, signal: NEVER };
}

/** What of a caller may change while it waits. */
export type Standing = Pick<Caller, 'party' | 'connection' | 'priority' | 'trace'>;

/** A caller that stands for others: as whom, `standing` says at each moment. A spread of it would freeze that. */
export function standingFor(
  standing: () => Standing,
  { index, signal, onChange, giveWay }: Pick<Caller, 'index' | 'signal' | 'onChange' | 'giveWay'>,
): Caller {
  return {
    index,
    get party() {
      return standing().party;
    },
    get connection() {
      return standing().connection;
    },
    get priority() {
      return standing().priority;
    },
    get trace() {
      return standing().trace;
    },
    signal,
    onChange,
    giveWay,
  };
}

/** The same caller, asking another index. */
export function askingOf(caller: Caller, index: string): Caller {
  const { signal, onChange, giveWay } = caller;
  return standingFor(() => caller, { index, signal, onChange, giveWay });
}

/** The same caller with another signal. */
export function withSignal(caller: Caller, signal: AbortSignal): Caller {
  const { index, onChange, giveWay } = caller;
  return standingFor(() => caller, { index, signal, onChange, giveWay });
}
