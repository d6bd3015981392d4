import { describe, expect, it } from 'vitest';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { makeBelieved } from '../../../src/mirror/believed.ts';
import type { Evidence } from '../../../src/mirror/evidence.ts';
import { readAddress } from '../../../src/mirror/files/addresses.ts';
import { CoreMetadata } from '../../../src/mirror/files/core-metadata.ts';
import { coreMetadataFor } from '../../../src/mirror/files/metadata-for-jobs.ts';
import { LIMITS } from '../../../src/mirror/limits.ts';
import { askedOnce } from '../../../src/mirror/projects/asked-once.ts';
import type { BelievedPage } from '../../../src/mirror/projects/believed-page.ts';
import { drawRecalled } from '../../../src/mirror/projects/draw-current.ts';
import type { Reports } from '../../../src/mirror/projects/reports.ts';
import { TufEvidence, type TufEvidenceOptions } from '../../../src/mirror/tuf/evidence.ts';
import { TargetFiles } from '../../../src/mirror/tuf/targets.ts';
import { Documents } from '../../../src/mirror/unsigned/documents.ts';
import { type Blob, makeBlob } from '../../../src/ports/blob.ts';
import { StorageError } from '../../../src/ports/blob-storage.ts';
import type { DocumentAnswer } from '../../../src/ports/upstream.ts';
import { decodeJson } from '../../../src/pypi/decode-json.ts';
import type { Listing } from '../../../src/pypi/listing.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { client } from '../../support/callers.ts';
import { createClock, DAY } from '../../support/clock.ts';
import { createLeaseService } from '../../support/memory-lease.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { answerOf, PAGE_URL, pageOf, unsignedIndex } from '../../support/unsigned-index.ts';

const WHEEL = tinyWheel('alpha');
const OBSERVED = { fetch: undefined, final: true, repeated: true };
const SOURCE = { sha256: 'a'.repeat(64), url: '', serial: undefined, weight: 0, read: async () => new Uint8Array() };
const BELIEVED = makeBelieved('index', {
  name: 'alpha',
  source: SOURCE,
  observation: OBSERVED,
  from: 'disk',
  proof: undefined,
});

/** The page of alpha with one wheel, and what else it says of that. */
function listingOf(more: object): Listing {
  const file = {
    filename: WHEEL.filename,
    url: `https://files.example/${WHEEL.filename}`,
    hashes: { sha256: 'a'.repeat(64) },
    ...more,
  };
  const page = { meta: { 'api-version': '1.3' }, name: 'alpha', versions: ['1.0'], files: [file] };
  return relink(decodeJson(Buffer.from(JSON.stringify(page)), 'alpha'), { pageUrl: PAGE_URL });
}

describe('an address of a file', () => {
  const digits = 'ab'.repeat(30);
  it.each([
    ['a folder more than a digest has', `12/34/${digits}/more/${WHEEL.filename}`],
    ['a digest that is too short', `12/34/${digits.slice(1)}/${WHEEL.filename}`],
    ['no digest', `12/34/x/${WHEEL.filename}`],
  ])('with %s is none', (_, path) => {
    expect(() => readAddress({ path })).toThrow(expect.objectContaining({ reason: 'unlisted' }));
    expect(readAddress({ path: `12/34/${digits}/${WHEEL.filename}` }).filename).toBe(WHEEL.filename);
  });

  it.each(['', '..', 'sha256', 'x'.repeat(64)])('by the digest %j is none', (digest) => {
    const asked = { project: 'alpha', digest, filename: WHEEL.filename };
    expect(() => readAddress(asked)).toThrow(expect.objectContaining({ reason: 'unlisted' }));
  });
});

describe('what another process has stored of a page', () => {
  it.each(['stale-if-error', 'expired'] as const)('is asked for all the same where it is %s', async (standing) => {
    const service = createLeaseService();
    const held = await service.party('one').take('page ["main","alpha"]');
    let asked = 0;
    const evidence = {
      recall: async () => BELIEVED,
      standing: () => ({ standing, believed: BELIEVED }),
      ask: async () => {
        asked++;
        return BELIEVED;
      },
    } as object as Evidence<undefined>;
    const options = { index: 'main', subject: 'page', evidence, clock: createClock() } as const;
    const asking = askedOnce(
      { ...options, lease: service.party('other') },
      { name: 'alpha', kept: undefined, caller: client(), believe: async () => 'believed' },
    );
    if (held.held) await held.release();
    expect([await asking, asked]).toEqual(['believed', 1]);
  });

  it('and cannot be drawn is refused: it is our own state', async () => {
    const refusal = new Refusal('digest', 'It is damaged.');
    const drawer = { restore: () => Promise.reject(refusal), draw: () => Promise.reject(refusal) };
    await expect(drawRecalled(drawer, BELIEVED, SOURCE, client())).rejects.toBe(refusal);
  });
});

describe('core metadata', () => {
  const blob: Blob = makeBlob('0'.repeat(64), WHEEL.bytes.length, {
    send: async ({ start, end }, write) => write(WHEEL.bytes.subarray(start, end)),
    bytes: async () => WHEEL.bytes,
  });

  it('that a wheel belies is told of once, and refused', async () => {
    const told: unknown[] = [];
    const reports: Partial<Reports> = { refused: (at) => void told.push(at) };
    const metadata = new CoreMetadata({ blobs: { open: async () => undefined }, reports: reports as Reports });
    const file = listingOf({ 'core-metadata': { sha256: '0'.repeat(64) } }).files.get(WHEEL.filename);
    if (file === undefined) throw new Error('it is listed');
    for (let times = 0; times < 2; times++) await metadata.compare(file, blob, client());
    expect(told).toEqual([{ subject: 'core-metadata', name: WHEEL.filename }]);
    expect(() => metadata.refuseBelied(file)).toThrow(expect.objectContaining({ reason: 'mix-and-match' }));
  });

  it('of a file that its page does not list is not there', async () => {
    const unused = () => expect.fail('nothing is to be opened');
    const page: Partial<BelievedPage<undefined>> = { file: () => undefined };
    await expect(
      coreMetadataFor({ open: unused, openCoreMetadata: unused }, page as BelievedPage<undefined>, 'x', client()),
    ).rejects.toMatchObject({ reason: 'unlisted', subject: 'file' });
  });
});

it('a signed page whose files need more roles than a page may is refused', async () => {
  const evidence = new TufEvidence({
    layout: { fileTarget: ({ filename }: { readonly filename: string }) => filename },
    roles: { find: async () => ({ visited: [{ role: {} }], target: undefined }) },
  } as object as TufEvidenceOptions);
  const files = Array.from({ length: LIMITS.rolesPerPage + 1 }, (_, at) => `alpha-${at}.whl`);
  const page = { name: 'alpha', proof: {} } as object as Parameters<TufEvidence['digests']>[0];
  await expect(evidence.digests(page, files, client())).rejects.toMatchObject({ reason: 'limit', subject: 'page' });
});

it('a target that is listed no more when it is opened is not there', async () => {
  let isListed = true;
  const expected = makeExpected({ length: 1, digests: new Map([['sha256', 'a'.repeat(64)]]) });
  const generation = { root: { signed: { consistentSnapshot: true } } };
  const targets = new TargetFiles({
    keeper: { underCurrent: (work: (of: object) => unknown) => work(generation) },
    roles: { find: async () => ({ target: isListed ? expected : undefined, generation }) },
    blobs: { stored: async () => false },
    judge: async () => undefined,
  } as object as ConstructorParameters<typeof TargetFiles>[0]);
  const found = await targets.find({ path: 'a.whl', asSent: 'a.whl' }, client());
  isListed = false;
  await expect(found.open()).rejects.toMatchObject({ reason: 'unlisted', subject: 'target' });
});

describe('an index that signs nothing', () => {
  it('holds no file that its page does not list', async () => {
    const document = async () => answerOf(pageOf([WHEEL.filename]));
    const index = await unsignedIndex({ now: () => 1e6, upstream: { document } });
    expect(await index.isHeld(await index.listing('alpha', client()), 'other.whl')).toBe(false);
  });

  it('has no provenance where nobody knows where that lies', async () => {
    const page = { meta: { 'api-version': '1.3' }, name: 'alpha', files: [...listingOf({}).files.values()] };
    const file = { filename: WHEEL.filename, url: `../../x/${WHEEL.filename}`, hashes: { sha256: 'a'.repeat(64) } };
    const files = [{ ...file, provenance: 'https://pypi.example/integrity/alpha/1.0/x/provenance' }];
    const bytes = Buffer.from(JSON.stringify({ ...page, files }));
    const index = await unsignedIndex({ now: () => 1e6, upstream: { document: async () => answerOf(bytes) } });
    await expect(index.unverified?.provenance('alpha', '1.0', WHEEL.filename, client())).rejects.toMatchObject({
      reason: 'unlisted',
    });
  });

  it('answers with what it relays also where that cannot be kept, and hides no fault of its own', async () => {
    const listing = listingOf({ provenance: 'https://pypi.example/integrity/alpha/1.0/x/provenance' });
    const provenance = (error: Error) =>
      new Documents<undefined>({
        upstream: { document: async () => answerOf(Buffer.from('{}')) },
        api: 'https://pypi.example/',
        pages: { get: async () => ({ listing }) },
        relayed: { keep: () => Promise.reject(error) },
        clock: createClock(),
        maxAge: 600,
        memory: 1e6,
      } as object as ConstructorParameters<typeof Documents<undefined>>[0]).provenance(
        'alpha',
        '1.0',
        WHEEL.filename,
        client(),
      );
    for (const error of [new Refusal('limit', 'There is no room.'), new StorageError('failed', 'The disk is away.')])
      expect(Buffer.from((await provenance(error)).bytes).toString()).toBe('{}');
    await expect(provenance(new TypeError('a fault'))).rejects.toThrow('a fault');
  });

  it('has a project that is gone, and that upstream cannot be asked about now, for unreachable and not for absent', async () => {
    const storage = createMemoryState().party();
    const state = createIndexState({ storage, index: 'main', projectBytes: 1e9, pinsInMemory: 100 });
    let now = 1_000_000;
    let answer = async (): Promise<DocumentAnswer> => answerOf(pageOf([WHEEL.filename]));
    const index = await unsignedIndex({ now: () => now, state, upstream: { document: () => answer() } });
    await index.page('alpha', client());
    answer = async () => ({ kind: 'absent' });
    now += DAY;
    await expect(index.page('alpha', client())).rejects.toMatchObject({ reason: 'unlisted' });
    expect(await index.look('alpha', client())).toBe('absent');
    answer = () => Promise.reject(new Refusal('unreachable', 'Upstream is away.', { transient: true }));
    now += DAY;
    await expect(index.page('alpha', client())).rejects.toMatchObject({ reason: 'unreachable' });
  });
});
