import { createGate, type Gate, type GateOptions } from './gate.ts';

/** Everything that callers queue for. */
export type Shares = Readonly<
  Record<'chunks' | 'fills' | 'documents' | 'downloads' | 'knownPasswords' | 'passwords' | 'threads', Gate>
>;

/** What all indexes of a mirror share. */
export type CommonShares = Omit<Shares, keyof UpstreamShares>;

const SIZES: Readonly<Record<keyof CommonShares, GateOptions>> = {
  /** Buffers of one chunk that all who are sent files read through. They wait less than pip's 15 seconds of silence. */
  chunks: {
    places: 256,
    queue: 4096,
    longestWait: 10_000,
    full: 'Too many files are being read at this moment. Try again in a moment.',
  },
  /** Downloads into the cache. */
  fills: {
    places: 32,
    queue: 1024,
    full: 'Too many files are being downloaded at this moment. Try again in a moment.',
    subject: 'file',
  },
  /** Passwords that were right before are checked apart from those that nobody has seen yet. */
  knownPasswords: {
    places: 1,
    queue: 1023,
    longestWait: 10_000,
    full: 'Too many passwords are being checked at this moment. Try again in a moment.',
  },
  /** Passwords are checked one after the other: a crowd with wrong ones costs one core at most, and its memory once. */
  passwords: {
    places: 1,
    queue: 255,
    longestWait: 10_000,
    full: 'Too many passwords are being checked at this moment. Try again in a moment.',
  },
  /** Large documents in work on other threads, of all kinds. */
  threads: {
    places: 4,
    queue: 192,
    full: 'Too many large pages are being read already. Try again in a moment.',
  },
};

/** The queues of one mirror; `sizes` for what is not as usual. */
export function createShares(sizes: Partial<Record<keyof CommonShares, Partial<GateOptions>>> = {}): CommonShares {
  const gate = (share: keyof CommonShares) => createGate({ ...SIZES[share], ...sizes[share] });
  return {
    chunks: gate('chunks'),
    fills: gate('fills'),
    knownPasswords: gate('knownPasswords'),
    passwords: gate('passwords'),
    threads: gate('threads'),
  };
}

/** Files come slowly and take their places for long: they have fewer than documents. */
const DOWNLOADS_SHARE = 0.75;

/** One upstream's connections. Documents and files have places of their own: neither waits for the other. */
export type UpstreamShares = Pick<Shares, 'documents' | 'downloads'>;

/**
 * `queue` callers may wait for each lane. Background work leaves places free for the next client, and of several clients
 * none holds more than half.
 */
export function createUpstreamShares(connections: number, queue: number): UpstreamShares {
  const full = 'Too many requests wait for the upstream index already. Try again in a moment.';
  const lane = (places: number) => {
    const half = Math.ceil(places / 2);
    return createGate({ places, queue, full, shares: { party: half, background: half } });
  };
  return { documents: lane(connections), downloads: lane(downloadPlaces(connections)) };
}

/** Of so many connections for documents, those that files have besides. */
export function downloadPlaces(connections: number): number {
  return Math.ceil(connections * DOWNLOADS_SHARE);
}
