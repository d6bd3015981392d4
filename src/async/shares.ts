import { createGate, type Gate } from './gate.ts';

/** Everything that callers queue for. */
export type Shares = Readonly<
  Record<'connections' | 'answers' | 'chunks' | 'fills' | 'documents' | 'downloads' | 'passwords' | 'threads', Gate>
>;

/** Of an upstream's connections, those that files may have: however many come slowly, some are left for documents. */
const DOWNLOADS_SHARE = 0.75;

/** One upstream's connections. Whoever wants one first enters its lane, `documents` or `downloads`, then `connections`. */
export type UpstreamShares = Pick<Shares, 'connections' | 'documents' | 'downloads'>;

/** `queue` callers may wait for each lane. */
export function createUpstreamShares(connections: number, queue: number): UpstreamShares {
  const full = 'Too many requests wait for the upstream index already. Try again in a moment.';
  return {
    connections: createGate({ places: connections, queue, full }),
    documents: createGate({ places: connections, queue, full }),
    downloads: createGate({ places: Math.ceil(connections * DOWNLOADS_SHARE), queue, full }),
  };
}
