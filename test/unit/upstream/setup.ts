import { afterEach } from 'vitest';
import { type Caller, internalCaller } from '../../../src/async/caller.ts';
import type { Upstream } from '../../../src/ports/upstream.ts';
import { createUpstream, type UpstreamOptions } from '../../../src/upstream/client.ts';
import { LIMITS, type UpstreamLimits } from '../../../src/upstream/limits.ts';
import { startUpstream, type TestUpstream, type UpstreamServerOptions } from '../../support/upstream.ts';

/** The real limits, without the pauses that only keep load from an upstream. */
export const PATIENT: UpstreamLimits = { ...LIMITS, retryDelay: 1, discard: 50, silentRest: 0, longestLook: 0 };

/** Waits short enough for a test that is about them to wait for their end. */
export const SHORT: UpstreamLimits = {
  ...LIMITS,
  minimumRate: 32 * 1024,
  connectTimeout: 300,
  documents: { headersTimeout: 150, idleTimeout: 150, deadline: 2000, rateWindow: 120 },
  downloads: { headersTimeout: 150, idleTimeout: 150, deadline: 2000, rateWindow: 120 },
  retryDelay: 1,
  longestRetryAfter: 400,
  longestWait: 100,
  discard: 50,
  silentRest: 0,
  longestLook: 0,
};

/** Asks, and stays. */
export const SOMEBODY: Caller = internalCaller('main', 'somebody', 'client');

/** Run after each test. */
export const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A server that ends with the test. */
export async function serve(options: UpstreamServerOptions = {}): Promise<TestUpstream> {
  const server = await startUpstream(options);
  ends.push(server.close);
  return server;
}

/** A client that asks once, unless told otherwise, and ends with the test. */
export function connect(server: { readonly url: string }, options: Partial<UpstreamOptions> = {}) {
  const upstream = createUpstream({
    bases: [server.url],
    retries: 0,
    ...options,
    limits: { ...PATIENT, ...options.limits },
  });
  ends.push(upstream.close);
  return upstream;
}

/** A document that its reader will prove; undefined where it is absent. */
export async function bytesAt(upstream: Upstream, url: string, limit: number): Promise<Uint8Array | undefined> {
  const answer = await upstream.document({ url, fresh: false, limit, proved: true }, SOMEBODY);
  return answer.kind === 'document' ? answer.bytes : undefined;
}

export const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('latin1');
export const bytesOf = (content: string) => new Uint8Array(Buffer.from(content, 'latin1'));
/** Deterministic bytes of a size. */
export const filler = (size: number) => Uint8Array.from({ length: size }, (_, index) => (index * 31) % 251);

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(Uint8Array.from(chunk));
  return Buffer.concat(all);
}
