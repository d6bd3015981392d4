import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import type { Expected } from '../../bytes/expected.ts';
import { type Proven, prove } from '../../bytes/proven.ts';
import { about, Refusal, type Subject } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { OpenDownload, Upstream } from '../../ports/upstream.ts';
import { isUnlisted } from '../absence.ts';
import type { CommonDocuments } from '../common-documents.ts';
import { looksMovedOn } from '../moved-on.ts';
import type { Reports } from '../projects/reports.ts';
import { foreignHost } from './foreign-host.ts';

/** Bytes that are wanted: what they must be, and where upstream has them. */
export interface Wanted {
  readonly name: string;
  readonly subject: Extract<Subject, 'page' | 'list' | 'file' | 'core-metadata' | 'target'>;
  readonly expected: Expected;
  /** Most bytes, for expectations without a length. */
  readonly limit: number;
  /** Best first; the next is tried only where upstream says the one before does not exist. */
  readonly urls: readonly string[];
}

/** A file that is wanted. */
export interface WantedFile extends Wanted {
  /**
   * A source of last resort, behind the URLs. Made while no place is held: it may wait for another download, and that one
   * for a place.
   */
  readonly otherwise?: (() => Promise<OpenDownload>) | undefined;
  /** Where its page says that it is, allowed or not. */
  readonly listedAt?: string | undefined;
}

/** A proved document, and where it came from. */
export interface FetchedDocument {
  readonly proved: Proven;
  readonly from: 'disk' | 'upstream';
}

interface FetchOptions {
  readonly index: string;
  readonly blobs: Blobs;
  readonly upstream: Upstream;
  readonly reports: Reports;
  readonly background: Background;
  /** What other replicas had. */
  readonly shared?: CommonDocuments | undefined;
}

/** What is no larger is shared with other replicas. */
const SMALL_BYTES = 64 * 1024;

/** A document that came wrong once may be the fault of one connection: asked for once more on another. */
const ATTEMPTS = 2;

/** Files and documents by what they must be: stored already, or from the first URL that has them. Each refusal is told once. */
export class Fetch {
  readonly #options: FetchOptions;

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /** A file, proved whole before it is handed out. */
  file(wanted: WantedFile, caller: Caller): Promise<Blob> {
    return this.#told(wanted, caller, () => this.#sharedFile(wanted, caller));
  }

  /** The same of what nobody asked for: that upstream lacks it, or does not give it to us, is told when somebody does. */
  async fileIfThere(wanted: WantedFile, caller: Caller): Promise<Blob | undefined> {
    const otherwise = (error: unknown) => {
      if (isInconsistent(error) || isForbidden(error)) return undefined;
      throw error;
    };
    return this.#told(wanted, caller, () => this.#sharedFile(wanted, caller).catch(otherwise));
  }

  /** A document, proved in memory, in the documents' lane; written behind the answer. */
  document(wanted: Wanted, caller: Caller): Promise<FetchedDocument> {
    return this.#told(wanted, caller, () => this.#document(wanted, caller));
  }

  async #told<T>({ name, subject }: Wanted, caller: Caller, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const refusal = about(error, subject);
      if (refusal instanceof Refusal && !caller.signal.aborted)
        this.#options.reports.refused({ subject, name }, refusal);
      throw refusal;
    }
  }

  /** A small file that another replica had is stored as a document is, and found there as any other. */
  async #sharedFile(wanted: WantedFile, caller: Caller): Promise<Blob> {
    const { shared, blobs, background } = this.#options;
    const { expected } = wanted;
    if (shared === undefined || !isSmall(wanted) || (await blobs.stored(expected))) return this.#file(wanted, caller);
    const found = await shared.find(expected, SMALL_BYTES);
    if (found !== undefined) await this.#store(wanted, found);
    const blob = await this.#file(wanted, caller);
    if (found === undefined) background.add(this.#share(expected));
    return blob;
  }

  /** Does not throw: what cannot be shared is downloaded by whoever needs it. */
  async #share(expected: Expected): Promise<void> {
    const { shared, blobs } = this.#options;
    const proved = await blobs.readDocument(expected, SMALL_BYTES).catch(() => undefined);
    if (proved !== undefined) shared?.keep(expected, proved);
  }

  async #file(wanted: WantedFile, caller: Caller): Promise<Blob> {
    const { name, subject, expected, limit, urls, otherwise, listedAt } = wanted;
    const { index, blobs, upstream } = this.#options;
    refuseUnprovable(wanted);
    if (urls.length === 0 && otherwise === undefined && listedAt !== undefined && !(await blobs.stored(expected)))
      throw foreignHost(wanted, listedAt);
    // Without the query, which for a signed link is another one each time.
    const fill = { origin: `${index} ${urls[0] ?? name}`, expected, limit, name, subject };
    const listed = upstream.download({ urls, expected });
    if (otherwise === undefined) return blobs.fetch(fill, ifThere(listed, wanted), caller);
    try {
      return await blobs.fetch(fill, ifThere(listed, wanted), caller);
    } catch (error) {
      if (!isInconsistent(error) && !isForbidden(error) && !isOffline(error)) throw error;
    }
    const last = ifThere(await otherwise(), wanted);
    return blobs.fetch({ ...fill, origin: `${index} instead of ${fill.origin}` }, last, caller);
  }

  async #document(wanted: Wanted, caller: Caller): Promise<FetchedDocument> {
    const { expected, limit } = wanted;
    const { blobs } = this.#options;
    refuseUnprovable(wanted);
    const stored = await blobs.readDocument(expected, limit);
    if (stored !== undefined) return { proved: stored, from: 'disk' };
    const shared = await this.#options.shared?.find(expected, limit);
    if (shared !== undefined) {
      this.#options.background.add(this.#store(wanted, shared));
      return { proved: shared, from: 'disk' };
    }
    for (let attempt = 1; ; attempt++)
      try {
        const proved = await this.#documentOnce(wanted, attempt > 1, caller);
        this.#options.background.add(this.#store(wanted, proved));
        this.#options.shared?.keep(expected, proved);
        return { proved, from: 'upstream' };
      } catch (error) {
        if (attempt === ATTEMPTS || !looksMovedOn(error) || isInconsistent(error)) throw error;
      }
  }

  async #documentOnce(wanted: Wanted, fresh: boolean, caller: Caller): Promise<Proven> {
    const { expected, limit, urls } = wanted;
    for (const url of urls) {
      const most = Math.min(expected.length ?? limit, limit);
      const answer = await this.#options.upstream.document({ url, limit: most, fresh, proved: true }, caller);
      if (answer.kind === 'document') return prove(answer.bytes, expected);
    }
    throw listedButMissing(wanted);
  }

  /** It can be had again: what cannot be stored is told, and the answer goes out all the same. */
  async #store({ name, subject }: Wanted, proved: Proven): Promise<void> {
    try {
      await this.#options.blobs.writeDocument(proved);
    } catch (error) {
      this.#options.reports.refused({ subject, name, at: 'disk' }, error);
    }
  }
}

/** Of core metadata no page states the length. */
function isSmall({ subject, expected: { length, digests } }: Wanted): boolean {
  return digests.size > 0 && (length === undefined ? subject === 'core-metadata' : length <= SMALL_BYTES);
}

function refuseUnprovable({ name, subject, expected, limit }: Wanted): void {
  if (expected.digests.size === 0)
    throw new Refusal(
      'algorithm',
      `${name} is listed without a digest this program can check (sha256, sha384, sha512 or blake2b-256).`,
      { subject },
    );
  if (expected.length !== undefined && expected.length > limit)
    throw new Refusal('limit', `${name} is listed with ${expected.length} bytes; at most ${limit} are accepted.`, {
      subject,
    });
}

/** What is listed and not there is told as what it is. */
export function ifThere(source: OpenDownload, wanted: Pick<Wanted, 'name' | 'subject'>): OpenDownload {
  return async (request) => {
    try {
      return await source(request);
    } catch (error) {
      throw isUnlisted(error) ? listedButMissing(wanted) : error;
    }
  };
}

/** Upstream lacking what signed metadata lists is upstream's inconsistency, never "absent". */
function listedButMissing({ name, subject }: Pick<Wanted, 'name' | 'subject'>): Refusal {
  return new Refusal('mix-and-match', `${name} is listed, but upstream does not have it.`, { subject });
}

function isForbidden(error: unknown): boolean {
  return error instanceof Refusal && error.reason === 'forbidden';
}

/** Nobody is asked; a wheel that is held has its core metadata all the same. */
function isOffline(error: unknown): boolean {
  return error instanceof Refusal && error.reason === 'offline';
}

function isInconsistent(error: unknown): boolean {
  return error instanceof Refusal && error.reason === 'mix-and-match';
}
