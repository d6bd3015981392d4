import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { prove } from '../../../src/bytes/proven.ts';
import { createClient, refusalOf } from '../../support/client.ts';
import { createClock } from '../../support/clock.ts';
import type { MetadataRequest } from '../../support/simulator.ts';
import { untar } from '../../support/tar.ts';

// Fifteen roots by changing people, key types and tools.
const ARCHIVE = fileURLToPath(new URL('../../data/sigstore-tuf.tar.gz', import.meta.url));

const REFERENCE_TIME = Date.UTC(2026, 7, 21) / 1000;

describe('the production repository of Sigstore, as of 21 August 2026', () => {
  const files = untar(readFileSync(ARCHIVE));
  const file = (path: string) => files.get(`sigstore-tuf/${path}`);
  const root = (version: number) =>
    file(`metadata/root_history/${version}.root.json`) ?? expect.fail(`no root ${version}`);
  const reads: string[] = [];

  // The archive holds current documents under plain names, whatever their version.
  async function read({ role, version }: MetadataRequest): Promise<Uint8Array | undefined> {
    reads.push(version === undefined ? role : `${version}.${role}`);
    return role === 'root' ? file(`metadata/root_history/${version}.root.json`) : file(`metadata/${role}.json`);
  }
  const client = (pinned: number) =>
    createClient({ source: { read }, clock: createClock(REFERENCE_TIME) }, root(pinned));

  it.each([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])('verifies from root %i', async (pinned) => {
    reads.length = 0;
    const generation = await client(pinned).refresh();
    expect(generation.root.signed.version).toBe(15);
    expect(Buffer.from(generation.root.bytes)).toEqual(Buffer.from(root(15)));
    expect(reads.slice(16 - pinned)).toEqual([
      'timestamp',
      `${generation.snapshot.signed.version}.snapshot`,
      `${generation.targets.signed.version}.targets`,
    ]);
  });

  it('its targets, and those of its delegated role, are found and proved', async () => {
    const started = client(4);
    const generation = await started.refresh();
    const [delegated = expect.fail('nothing is delegated')] = generation.targets.signed.delegations?.names ?? [];
    for (const path of ['trusted_root.json', 'fulcio_v1.crt.pem', `${delegated}/keys.json`]) {
      const { target, listedBy } = await started.find(path);
      expect(listedBy?.by?.name).toBe(path.startsWith(delegated) ? delegated : undefined);
      expect(
        prove(file(`targets/${path}`) ?? expect.fail(path), target ?? expect.fail(path)).bytes.length,
      ).toBeGreaterThan(0);
    }
    expect((await started.find('absent')).target).toBeUndefined();
  });

  it.each([1, 2, 3])('root %i carries a date outside the format of TUF: refused, naming the field', async (pinned) => {
    const refusal = await refusalOf(() => client(pinned));
    expect(refusal).toMatchObject({ reason: 'format', subject: 'root' });
    expect(refusal.message).toContain('signed.expires');
  });

  it('a week later its timestamp has expired', async () => {
    const clock = createClock(REFERENCE_TIME + 14 * 86_400);
    const later = createClient({ source: { read }, clock }, root(15));
    expect(await refusalOf(later.refresh())).toMatchObject({ reason: 'expired', subject: 'timestamp' });
  });

  it('no root may be left out', async () => {
    const skipping = async (request: MetadataRequest) =>
      read(request.role === 'root' && request.version === 9 ? { ...request, version: 10 } : request);
    const started = createClient({ source: { read: skipping }, clock: createClock(REFERENCE_TIME) }, root(4));
    expect(await refusalOf(started.refresh())).toMatchObject({ subject: 'root' });
    expect(started.versions().root).toBe(8);
  });
});
