import { type Crowding, createGate, type Gate, type GateOptions, type ShareLimits } from './gate.ts';

/** What callers queue for. */
export type Queue =
  | 'chunks'
  | 'fills'
  | 'proofs'
  | 'knownPasswords'
  | 'passwords'
  | 'pages'
  | 'lists'
  | 'legacies'
  | 'inspections'
  | 'advisories'
  | 'documents'
  | 'downloads';

/** Everything that callers queue for. */
export type Shares = Readonly<Record<Queue, Gate>>;

/** What all indexes of a mirror share. */
export type CommonShares = Omit<Shares, keyof UpstreamShares>;

/** Told of each queue that refuses callers, or has room again. Must not throw. */
export type OnCrowding = (queue: Queue, crowding: Crowding) => void;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const LARGE_PAGES = 'Too many large pages are being read already. Try again in a moment.';

const SIZES: Readonly<Record<keyof CommonShares, GateOptions>> = {
  /**
   * Buffers of one chunk that all who are sent files read through. Nobody keeps one for long: who waits so long for its
   * next one, on a machine that cannot keep up, has a client that gives up.
   */
  chunks: {
    places: 256,
    queue: 4096,
    longestWait: 30 * SECOND,
    shares: { party: 128, connection: 2 },
    full: 'Too many files are being read at this moment. Try again in a moment.',
  },
  /** Downloads into the cache. Who waits for one is told to wait on (100 Continue). */
  fills: {
    places: 32,
    queue: 1024,
    longestWait: 5 * MINUTE,
    full: 'Too many files are being downloaded at this moment. Try again in a moment.',
    subject: 'file',
  },
  /** Stored files that are hashed whole, at their first touch after a start. */
  proofs: {
    places: 4,
    queue: 4096,
    longestWait: 5 * MINUTE,
    full: 'Too many stored files are being proved at this moment. Try again in a moment.',
    subject: 'file',
  },
  /** Passwords that were right before are checked apart from those that nobody has seen yet. */
  knownPasswords: {
    places: 1,
    queue: 1023,
    longestWait: 10 * SECOND,
    full: 'Too many passwords are being checked at this moment. Try again in a moment.',
  },
  /** Passwords are checked one after the other: a crowd with wrong ones costs one core at most, and its memory once. */
  passwords: {
    places: 1,
    queue: 255,
    longestWait: 10 * SECOND,
    full: 'Too many passwords are being checked at this moment. Try again in a moment.',
  },
  /** Large pages in work on other threads, each on its own. */
  pages: { places: 2, queue: 64, longestWait: MINUTE, full: LARGE_PAGES },
  /** Large lists of projects. */
  lists: { places: 1, queue: 64, longestWait: MINUTE, full: LARGE_PAGES },
  /** Large documents of legacy JSON, which are made anew each time. */
  legacies: { places: 1, queue: 64, longestWait: MINUTE, full: LARGE_PAGES },
  /** Files that nobody states a digest of, looked into piece by piece on other threads. */
  inspections: {
    places: 4,
    queue: 256,
    longestWait: 5 * MINUTE,
    full: 'Too many files are being looked into already. Try again in a moment.',
    subject: 'file',
  },
  /** Requests about advisories that are read or answered, each with a body in memory. */
  advisories: {
    places: 32,
    queue: 256,
    longestWait: 30 * SECOND,
    shares: { party: 8 },
    full: 'Too many ask about advisories at this moment. Try again in a moment.',
    subject: 'request',
  },
};

/** Those whose places are held as long as an upstream, a page or a file wants: what is kept for an index here is what it can count on. */
const HELD_FOR_LONG: ReadonlySet<keyof CommonShares> = new Set(['fills', 'proofs', 'pages', 'inspections']);

export interface ShareOptions {
  /** Indexes of the mirror. */
  readonly indexes?: number | undefined;
  readonly onCrowding?: OnCrowding | undefined;
}

/** The queues of one mirror; `sizes` for what is not as usual. */
export function createShares(
  sizes: Partial<Record<keyof CommonShares, Partial<GateOptions>>> = {},
  { indexes = 1, onCrowding = () => undefined }: ShareOptions = {},
): CommonShares {
  const gate = (queue: keyof CommonShares) => {
    const options = { ...SIZES[queue], ...sizes[queue] };
    // Background work leaves places free for the next client.
    const background = Math.ceil(options.places / 2);
    const shares = HELD_FOR_LONG.has(queue) ? { background, kept: keptOf(options.places, indexes) } : undefined;
    return createGate({ shares, onCrowding: (crowding) => onCrowding(queue, crowding), ...options });
  };
  return {
    chunks: gate('chunks'),
    fills: gate('fills'),
    proofs: gate('proofs'),
    knownPasswords: gate('knownPasswords'),
    passwords: gate('passwords'),
    pages: gate('pages'),
    lists: gate('lists'),
    legacies: gate('legacies'),
    inspections: gate('inspections'),
    advisories: gate('advisories'),
  };
}

/**
 * A quarter of the places (of two, one) is for indexes that hold little, a part for each but one: whatever the others hold,
 * an index finds as many. An eighth is for parties that hold none.
 */
function keptOf(places: number, indexes: number): ShareLimits['kept'] {
  const others = indexes - 1;
  const forIndexes = others === 0 || places === 1 ? 0 : Math.max(1, Math.floor(places / 4));
  const forParties = Math.floor(places / 8);
  return {
    index: forIndexes > 0 ? { places: forIndexes, each: Math.max(1, Math.floor(forIndexes / others)) } : undefined,
    party: forParties > 0 ? { places: forParties, each: 1 } : undefined,
  };
}

/** Files come slowly and take their places for long: they have fewer than documents. */
const DOWNLOADS_SHARE = 0.75;

/** One upstream's connections. Documents and files have places of their own: neither waits for the other. */
export type UpstreamShares = Pick<Shares, 'documents' | 'downloads'>;

export interface UpstreamShareOptions {
  /** For documents; files have some of their own. */
  readonly connections: number;
  /** Callers that may wait for each. */
  readonly queue: number;
  /** For a file's connection; documents have a deadline for everything. Milliseconds. */
  readonly longestWait?: number | undefined;
  readonly onCrowding?: OnCrowding | undefined;
}

/**
 * Background work leaves places free for the next client, and of several clients none holds more than half, or the last
 * ones where it holds any.
 */
export function createUpstreamShares(options: UpstreamShareOptions): UpstreamShares {
  const { connections, queue, longestWait, onCrowding = () => undefined } = options;
  const full = 'Too many requests wait for the upstream index already. Try again in a moment.';
  const lane = (name: keyof UpstreamShares, places: number) => {
    const half = Math.ceil(places / 2);
    const shares = { party: half, background: half, kept: keptOf(places, 1) };
    return createGate({
      places,
      queue,
      full,
      longestWait,
      shares,
      onCrowding: (crowding) => onCrowding(name, crowding),
    });
  };
  return { documents: lane('documents', connections), downloads: lane('downloads', downloadPlaces(connections)) };
}

/** Of so many connections for documents, those that files have besides. */
export function downloadPlaces(connections: number): number {
  return Math.ceil(connections * DOWNLOADS_SHARE);
}
