import type { Blob } from '../../bytes/blob.ts';
import type { Digests } from '../../bytes/digest.ts';
import { makeExpected } from '../../bytes/expected.ts';
import { checkBytes } from '../../bytes/prover.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Events } from '../../ports/events.ts';
import type { OpenDownload, Upstream } from '../../ports/upstream.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { wheelMetadata } from '../../pypi/wheel.ts';
import { LIMITS } from '../limits.ts';
import { bothListed, type Vouched } from '../tuf/vouched.ts';
import type { FetchProved } from './fetch.ts';
import { type FileAnswer, makeFileAnswer } from './file-answer.ts';

interface CoreMetadataOptions {
  readonly index: string;
  readonly blobs: Blobs;
  readonly upstream: Upstream;
  readonly fetchProved: FetchProved;
  readonly events: Events;
}

/** PEP 658: `FILE.metadata`, by the digest the proved page announces. */
export interface CoreMetadata {
  answer(file: OwnFile, signed: Vouched | undefined, wheel: () => Promise<Blob>): Promise<FileAnswer>;
  /** A wheel that is held must contain what was announced beside it; what does not is no longer served. */
  compare(file: OwnFile, wheel: Blob): Promise<void>;
}

export const METADATA = '.metadata';

export function createCoreMetadata({ index, blobs, upstream, fetchProved, events }: CoreMetadataOptions): CoreMetadata {
  /** By wheel: the lie that was found, or none. A verdict that is forgotten is found again. */
  const compared = new Map<string, Refusal | undefined>();

  const compare = async (file: OwnFile, wheel: Blob): Promise<void> => {
    const key = identity(file);
    if (!isWheel(file) || typeof file.entry.coreMetadata !== 'object' || compared.has(key)) return;
    const inside = await insideOf(wheel);
    const [oldest] = compared.keys();
    if (oldest !== undefined && compared.size >= MOST_COMPARED) compared.delete(oldest);
    const isLie = inside === 'too-large' || (inside !== undefined && !holds(inside, file.entry.coreMetadata));
    const refusal = isLie ? notInside(file) : undefined;
    compared.set(key, refusal);
    if (refusal === undefined) return;
    events.rejected({
      index,
      reason: refusal.reason,
      subject: 'core-metadata',
      name: file.entry.filename,
      message: refusal.message,
      at: 'upstream',
    });
  };

  /** The comparison of a wheel that is held already, once; a run before this one may have fetched it. */
  const compareHeld = async (file: OwnFile): Promise<void> => {
    if (!isWheel(file) || compared.has(identity(file))) return;
    const expected = makeExpected({ length: file.entry.size, digests: file.entry.digests });
    const wheel = (await blobs.stored(expected)) ? await blobs.open(expected) : undefined;
    if (wheel !== undefined) await compare(file, wheel);
  };

  const refuseBelied = (file: OwnFile): void => {
    const lie = compared.get(identity(file));
    if (lie !== undefined) throw lie;
  };

  return {
    compare,
    async answer(file, signed, wheel) {
      const name = file.entry.filename + METADATA;
      const expected = bothListed(name, 'core-metadata', makeExpected({ digests: announced(file) }), signed?.expected);
      refuseBelied(file);
      return makeFileAnswer({
        filename: name,
        size: expected.length,
        sha256: expected.digests.get('sha256'),
        held: await blobs.stored(expected),
        async open() {
          await compareHeld(file);
          refuseBelied(file);
          return fetchProved({
            name,
            subject: 'core-metadata',
            expected,
            limit: LIMITS.coreMetadata,
            urls: [...(signed?.urls ?? []), ...[file.upstream + METADATA].filter(upstream.mayFetch)],
            // Announced, and missing upstream: the wheel has it, and the announced digest proves it all the same.
            ...(isWheel(file) ? { otherwise: fromWheel(file, wheel) } : {}),
          });
        },
      });
    },
  };
}

/** Wheels remembered as compared; forgetting costs one more look inside. */
const MOST_COMPARED = 10_000;

function announced({ entry }: OwnFile): Digests {
  if (typeof entry.coreMetadata === 'object') return entry.coreMetadata;
  throw new Refusal('unlisted', `The index announces no core metadata for ${entry.filename}.`, {
    subject: 'core-metadata',
  });
}

/** The wheel is what its page says; METADATA larger than any that is announced only shows that the announcement is not. */
async function insideOf(wheel: Blob): Promise<Uint8Array | 'too-large' | undefined> {
  try {
    return await wheelMetadata(wheel.size, partsOf(wheel), LIMITS.coreMetadata);
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'limit' && !error.transient) return 'too-large';
    throw error;
  }
}

function isWheel({ entry }: OwnFile): boolean {
  return entry.filename.endsWith('.whl');
}

function identity({ path, entry }: OwnFile): string {
  return `${path} ${typeof entry.coreMetadata === 'object' ? [...entry.coreMetadata.values()].join() : ''}`;
}

function holds(bytes: Uint8Array, digests: Digests): boolean {
  try {
    checkBytes(bytes, { digests });
    return true;
  } catch {
    return false;
  }
}

function notInside({ entry }: OwnFile): Refusal {
  return new Refusal(
    'mix-and-match',
    `The core metadata announced for ${entry.filename} is not what the wheel contains.`,
    { subject: 'core-metadata' },
  );
}

function fromWheel(file: OwnFile, wheel: () => Promise<Blob>): OpenDownload {
  return async () => {
    const blob = await wheel();
    const bytes = await wheelMetadata(blob.size, partsOf(blob), LIMITS.coreMetadata);
    if (bytes === undefined)
      throw new Refusal('unlisted', 'The wheel holds no METADATA that can be read.', { subject: 'core-metadata' });
    if (!holds(bytes, announced(file))) throw notInside(file);
    return { start: 0, bytes: only(bytes) };
  };
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function partsOf(blob: Blob) {
  return async (start: number, end: number): Promise<Uint8Array> => {
    const parts: Buffer[] = [];
    await blob.send({ start, end }, async (chunk) => {
      parts.push(Buffer.from(chunk));
    });
    return Buffer.concat(parts);
  };
}
