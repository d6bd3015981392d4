import type { Caller } from '../../async/caller.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Digests } from '../../bytes/digest.ts';
import type { Expected } from '../../bytes/expected.ts';
import { checkBytes } from '../../bytes/prover.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { OpenDownload } from '../../ports/upstream.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { wheelMetadata } from '../../pypi/wheel.ts';
import { LIMITS } from '../limits.ts';
import { coreMetadataOf, isWheel } from '../projects/pin-states.ts';
import type { Reports } from '../projects/reports.ts';

/** `unread`: the wheel holds no METADATA that could be read. A refusal: it holds another. */
type Verdict = 'same' | 'unread' | Refusal;

/** Wheels remembered as compared; forgetting costs one more look inside. */
const MOST_COMPARED = 10_000;

/** Core metadata (PEP 658) and the wheel it was announced beside: they must be the same bytes, whichever comes first. */
export class CoreMetadata {
  readonly #blobs: Pick<Blobs, 'open'>;
  readonly #reports: Reports;
  /** By wheel and announcement. A verdict that is forgotten is found again. */
  readonly #compared = new BoundedMap<Verdict>({ entries: MOST_COMPARED });

  constructor({ blobs, reports }: { readonly blobs: Pick<Blobs, 'open'>; readonly reports: Reports }) {
    this.#blobs = blobs;
    this.#reports = reports;
  }

  /** A wheel that is stored must contain what was announced beside it; what does not is no longer served. */
  async compare(file: OwnFile, wheel: Blob, caller: Caller): Promise<void> {
    const announced = coreMetadataOf(file.entry);
    const key = identity(file);
    if (!isWheel(file.entry) || announced === undefined || this.#compared.has(key)) return;
    const inside = await insideOf(wheel, caller);
    const isSame = inside !== undefined && inside !== 'too-large' && matches(inside, announced);
    const verdict = isSame ? 'same' : inside === undefined ? 'unread' : notInside(file);
    this.#compared.set(key, verdict);
    if (verdict instanceof Refusal)
      this.#reports.refused({ subject: 'core-metadata', name: file.entry.filename }, verdict);
  }

  /** The comparison of a wheel that is stored already, once; a run before this one may have fetched it. */
  async compareStored(file: OwnFile, wheel: Expected, caller: Caller): Promise<void> {
    if (!isWheel(file.entry) || this.#compared.has(identity(file))) return;
    const stored = await this.#blobs.open(wheel);
    if (stored !== undefined) await this.compare(file, stored, caller);
  }

  /** Whether the wheel was found to hold what is announced beside it; undefined where nobody has looked. */
  holds(file: OwnFile): boolean | undefined {
    const verdict = this.#compared.get(identity(file));
    return verdict === undefined ? undefined : verdict === 'same';
  }

  /** Throws what was found out about the announcement. */
  refuseBelied(file: OwnFile): void {
    const verdict = this.#compared.get(identity(file));
    if (verdict instanceof Refusal) throw verdict;
  }

  /** For what nothing but the wheel can vouch for: throws unless the announcement was found to be what the wheel holds. */
  async refuseUnlessInside(file: OwnFile, wheel: Blob, caller: Caller): Promise<void> {
    await this.compare(file, wheel, caller);
    if (this.#compared.get(identity(file)) !== 'same') throw notInside(file);
  }

  /** Announced, and missing upstream: a wheel has it, and the announced digest proves it all the same. */
  fromWheel(file: OwnFile, wheel: () => Promise<Blob>): (() => Promise<OpenDownload>) | undefined {
    const announced = coreMetadataOf(file.entry);
    if (!isWheel(file.entry) || announced === undefined) return undefined;
    return async () => {
      const blob = await wheel();
      return async ({ caller }) => {
        const bytes = await wheelMetadata(blob.size, partsOf(blob, caller), LIMITS.coreMetadata);
        const isAnnounced = bytes !== undefined && matches(bytes, announced);
        if (!isAnnounced) throw notInside(file);
        return { start: 0, bytes: only(bytes) };
      };
    };
  }
}

/** The wheel is what its page says; METADATA larger than any that is announced only shows that the announcement is not. */
async function insideOf(wheel: Blob, caller: Caller): Promise<Uint8Array | 'too-large' | undefined> {
  try {
    return await wheelMetadata(wheel.size, partsOf(wheel, caller), LIMITS.coreMetadata);
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'limit' && !error.transient) return 'too-large';
    throw error;
  }
}

function identity({ path, entry }: OwnFile): string {
  return `${path} ${[...(coreMetadataOf(entry)?.values() ?? [])].join()}`;
}

function matches(bytes: Uint8Array, digests: Digests): boolean {
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

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Reads parts of a stored file, each checked as it is read. */
export function partsOf(blob: Blob, caller: Caller) {
  return async (start: number, end: number): Promise<Uint8Array> => {
    const parts: Buffer[] = [];
    const keep = async (chunk: Uint8Array) => {
      parts.push(Buffer.from(chunk));
    };
    await blob.send({ start, end }, keep, caller);
    return Buffer.concat(parts);
  };
}
