import { createGate, type Gate } from './gate.ts';

/** Everything that callers queue for. */
export type Shares = Readonly<
  Record<'connections' | 'answers' | 'chunks' | 'fills' | 'documents' | 'downloads' | 'passwords' | 'threads', Gate>
>;

/** Files come slowly and take their places for long: they have fewer than documents. */
const DOWNLOADS_SHARE = 0.75;

/** One upstream's connections. Documents and files have places of their own: neither waits for the other. */
export type UpstreamShares = Pick<Shares, 'documents' | 'downloads'>;

/** `queue` callers may wait for each lane. */
export function createUpstreamShares(connections: number, queue: number): UpstreamShares {
  const full = 'Too many requests wait for the upstream index already. Try again in a moment.';
  return {
    documents: createGate({ places: connections, queue, full }),
    downloads: createGate({ places: downloadPlaces(connections), queue, full }),
  };
}

/** Of so many connections for documents, those that files have besides. */
export function downloadPlaces(connections: number): number {
  return Math.ceil(connections * DOWNLOADS_SHARE);
}
