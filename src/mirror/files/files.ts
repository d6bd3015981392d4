import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Policy } from '../../ports/policy.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { absent } from '../absence.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import type { ProjectPins } from '../projects/pins.ts';
import type { ProjectPages } from '../projects/project-pages.ts';
import type { Reports } from '../projects/reports.ts';
import { type FileAddress, readAddress, unlisted } from './addresses.ts';
import type { CoreMetadata } from './core-metadata.ts';
import type { Expectations } from './expectations.ts';
import type { Fetch, Wanted } from './fetch.ts';
import { type FileAnswer, makeFileAnswer } from './file-answer.ts';

export interface FilesOptions<P> {
  readonly pages: ProjectPages<P>;
  readonly expectations: Expectations<P>;
  readonly fetch: Fetch;
  readonly coreMetadata: CoreMetadata;
  readonly blobs: Pick<Blobs, 'stored'>;
  readonly policy: Policy;
  readonly pins: ProjectPins;
  readonly reports: Reports;
  readonly background: Background;
}

/** What upstream sent is not what the page says. */
const MISMATCH: ReadonlySet<Reason> = new Set(['digest', 'length', 'limit']);

/** The files of an index: an address leads to a believed page, that to an expectation, and that to proved bytes. */
export class Files<P> {
  readonly #options: FilesOptions<P>;

  constructor(options: FilesOptions<P>) {
    this.#options = options;
  }

  /** Throws Refusal: `unlisted` where no page lists it at this address, or why it is not served. */
  async find(address: FileAddress, caller: Caller): Promise<FileAnswer> {
    const { filename, metadata, projects, find } = readAddress(address);
    for (const project of projects) {
      // A project that does not exist is one candidate less; anything else is an answer.
      const page = await this.#options.pages.get(project, caller).catch(absent);
      if (page === undefined) continue;
      // Refused by name, so that a lock file's user learns why.
      const refusal = page.refusal(filename);
      if (refusal !== undefined) throw refusal;
      const file = find(page.listing);
      if (file !== undefined)
        return this.#told(file, () =>
          metadata ? this.#metadataAnswer(page, file, caller) : this.#answer(page, file, caller),
        );
    }
    throw unlisted(filename);
  }

  /** The proved bytes of a file that the page lists; not counted as served. Throws Refusal. */
  async open(page: BelievedPage<P>, filename: string, caller: Caller): Promise<Blob> {
    const file = page.file(filename);
    if (file === undefined) throw unlisted(filename);
    return this.#told(file, async () =>
      this.#blob(page, file, await this.#options.expectations.file(page, file), caller, { sent: false }),
    );
  }

  async #answer(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<FileAnswer> {
    const wanted = await this.#options.expectations.file(page, file);
    return this.#answerWith(wanted, page.project, () => this.#blob(page, file, wanted, caller, { sent: true }));
  }

  async #metadataAnswer(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<FileAnswer> {
    const { expectations, coreMetadata, fetch, pins, background } = this.#options;
    const wanted = await expectations.coreMetadata(page, file);
    coreMetadata.refuseBelied(file);
    const wheel = async () => this.#blob(page, file, await expectations.file(page, file), caller, { sent: false });
    return this.#answerWith(wanted, undefined, async () => {
      if (await pins.isLateCoreMetadata(page.project, file)) {
        await coreMetadata.refuseUnlessInside(file, await wheel(), caller);
        await pins.holdsCoreMetadata(page.project, file);
      } else await coreMetadata.compareStored(file, page.expect(file, undefined), caller);
      coreMetadata.refuseBelied(file);
      const blob = await fetch.file({ ...wanted, otherwise: coreMetadata.fromWheel(file, wheel) }, caller);
      background.add(pins.sentCoreMetadata(page.project, file, page.believed.observation));
      return blob;
    });
  }

  /** Counted as served once, however often it is opened. */
  async #answerWith(wanted: Wanted, project: string | undefined, fetch: () => Promise<Blob>): Promise<FileAnswer> {
    const { blobs, reports } = this.#options;
    const { name, subject, expected } = wanted;
    const stored = await blobs.stored(expected);
    let isCounted = false;
    return makeFileAnswer({
      filename: name,
      project,
      size: expected.length,
      sha256: expected.digests.get('sha256'),
      stored,
      async open() {
        const blob = await fetch();
        if (!isCounted) reports.served(subject, stored ? 'disk' : 'upstream');
        isCounted = true;
        return blob;
      },
    });
  }

  async #blob(
    page: BelievedPage<P>,
    file: OwnFile,
    wanted: Wanted,
    caller: Caller,
    { sent }: { readonly sent: boolean },
  ): Promise<Blob> {
    const { fetch, coreMetadata, pages, pins, policy, background } = this.#options;
    const blob = await fetch.file(wanted, caller).catch((error: unknown) => {
      if (error instanceof Refusal && MISMATCH.has(error.reason)) pages.doubt(page);
      throw error;
    });
    await coreMetadata.compare(file, blob, caller);
    const verdict = await policy.file(file, blob, caller);
    const isServed = verdict.action === 'serve';
    background.add(pins.proved(page.project, file, page.believed.observation, sent && isServed));
    if (!isServed) throw verdict.refusal(file.entry.filename);
    return blob;
  }

  async #told<T>(file: OwnFile, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refusal && error.reason !== 'unlisted')
        this.#options.reports.refused({ subject: error.subject ?? 'file', name: file.entry.filename }, error);
      throw error;
    }
  }
}
