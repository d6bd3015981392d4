import { expect } from 'vitest';
import type { Repository } from '../../src/repository/repository.ts';
import type { RunningVerbatim } from '../support/verbatim.ts';
import type { Outcome } from './tuf-clients.ts';

/** Every body a client was given is a file of upstream's, byte for byte; what it was told is missing is missing there. */
export function expectUpstreamsBodies(
  { fetched }: Pick<Outcome, 'fetched'>,
  { metadata, targets }: Pick<RunningVerbatim, 'metadata' | 'targets'>,
  { files }: Repository,
): void {
  expect(fetched.length).toBeGreaterThan(0);
  for (const { url, status, body } of fetched) {
    const asked = decodeURIComponent(url.replace(metadata, 'metadata/').replace(targets, 'targets/'));
    // tough puts the digest before the folder.
    const path = asked.replace(/^targets\/([0-9a-f]{64}\.)(.+\/)([^/]+)$/, 'targets/$2$1$3');
    if (status === 200) expect(equal(body, files.get(path)), path).toBe(true);
    else expect(files.has(path), path).toBe(false);
  }
}

/** So is every document it keeps. */
export function expectUpstreamsBytes(
  outcome: Outcome,
  mirror: Pick<RunningVerbatim, 'metadata' | 'targets'>,
  repository: Repository,
): void {
  expectUpstreamsBodies(outcome, mirror, repository);
  for (const [name, bytes] of outcome.cache) {
    const { version } = (JSON.parse(Buffer.from(bytes).toString()) as { signed: { version: number } }).signed;
    const spellings = [name, `${version}.${name}`].flatMap((file) => repository.files.get(`metadata/${file}`) ?? []);
    const kept = spellings.some((published) => equal(published, bytes));
    expect(kept, name).toBe(true);
  }
}

export function equal(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
