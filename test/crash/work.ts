import { createHash } from 'node:crypto';
import { CHUNK } from '../../src/blobs/limits.ts';
import { type Expected, makeExpected } from '../../src/bytes/expected.ts';
import type { PageContent, Pin } from '../../src/ports/index-state.ts';
import type { PublishedTrust } from '../../src/ports/trust/trust-store.ts';

// What a round writes follows from its number, so that whoever looks afterwards knows what is right.

export function contentOf(round: number): Buffer {
  // More than one chunk where it is cheap.
  return Buffer.alloc(round === 1 ? CHUNK + 1000 : 5000, `round ${round} `);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function expectedOf(round: number): Expected {
  const bytes = contentOf(round);
  return makeExpected({
    length: bytes.byteLength,
    digests: new Map([
      ['sha256', sha256Of(bytes)],
      ['sha512', createHash('sha512').update(bytes).digest('hex')],
    ]),
  });
}

export function pinOf(round: number): Pin {
  return { digests: expectedOf(round).digests, seen: round };
}

export function trustOf(round: number): PublishedTrust {
  return {
    rootVersion: round,
    timestamp: Buffer.from(`timestamp ${round}`),
    snapshot: Buffer.from(`snapshot ${round}`),
    targets: Buffer.from(`targets ${round}`),
    snapshotVersion: round,
    targetsVersion: round,
    acceptedAt: 1_000_000 + round,
    publishedAt: 1_000_000 + round,
  };
}

export function pageOf(round: number): PageContent {
  return {
    project: 'demo',
    bytes: Buffer.from(`page ${round}`),
    contentType: 'text/html',
    etag: undefined,
    serial: undefined,
    seenSerial: round,
    fetchedAt: round,
    confirmedAt: round,
    twice: false,
    fetch: `fetch ${round}`,
  };
}
