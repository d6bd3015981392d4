import { createGate, type Gate, type GateOptions } from './gate.ts';

/** Everything that callers queue for. */
export type Shares = Readonly<
  Record<'connections' | 'answers' | 'chunks' | 'fills' | 'documents' | 'downloads' | 'passwords' | 'threads', Gate>
>;

/** What all indexes of a mirror share. */
export type CommonShares = Pick<Shares, 'chunks' | 'fills' | 'passwords' | 'threads'>;

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
  /** Passwords are checked one after the other: a crowd with wrong ones costs one core at most, and its memory once. */
  passwords: {
    places: 1,
    queue: 31,
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
  return { chunks: gate('chunks'), fills: gate('fills'), passwords: gate('passwords'), threads: gate('threads') };
}

/** What one upstream's requests wait for. Whoever asks enters its lane, `documents` or `downloads`, then `connections`. */
export type UpstreamShares = Pick<Shares, 'connections' | 'documents' | 'downloads'>;

/** Of an upstream's connections, those that files may have: however many come slowly, some are left for documents. */
const DOWNLOADS_SHARE = 0.75;

/** `queue` callers may wait for each lane. */
export function createUpstreamShares(connections: number, queue: number): UpstreamShares {
  const full = 'Too many requests wait for the upstream index already. Try again in a moment.';
  return {
    connections: createGate({ places: connections, queue, full }),
    documents: createGate({ places: connections, queue, full }),
    downloads: createGate({ places: Math.ceil(connections * DOWNLOADS_SHARE), queue, full }),
  };
}
