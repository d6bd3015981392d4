import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { secondsSince } from '../../async/elapsed.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Expected } from '../../bytes/expected.ts';
import type { Instant } from '../../bytes/instant.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Policy } from '../../ports/policy.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { isVariants } from '../../pypi/names.ts';
import { absent } from '../absence.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import type { ProjectPins } from '../projects/pins.ts';
import type { ProjectPages } from '../projects/project-pages.ts';
import type { Reports } from '../projects/reports.ts';
import { isRecent } from '../recent.ts';
import { type FileAddress, readAddress, unlisted } from './addresses.ts';
import type { CoreMetadata } from './core-metadata.ts';
import type { Expectations } from './expectations.ts';
import type { Fetch, Wanted, WantedFile } from './fetch.ts';
import { type FileAnswer, makeFileAnswer } from './file-answer.ts';
import type { FirstSights } from './first-sights.ts';
import { type HeldVariants, VARIANTS_BYTES } from './held-variants.ts';

export interface FilesOptions<P> {
  readonly pages: ProjectPages<P>;
  readonly expectations: Expectations<P>;
  readonly fetch: Fetch;
  readonly coreMetadata: CoreMetadata;
  readonly heldVariants: HeldVariants;
  /** Undefined where files that nobody states a digest of are withheld. */
  readonly firstSights: FirstSights | undefined;
  readonly blobs: Pick<Blobs, 'stored' | 'sync'>;
  readonly policy: Policy;
  readonly pins: ProjectPins;
  readonly reports: Reports;
  readonly background: Background;
  readonly clock: Clock;
  /** Called with what a client asks for. */
  readonly onAsked?: ((page: BelievedPage<P>, file: OwnFile, isMetadata: boolean) => void) | undefined;
}

/** What upstream sent is not what the page says. */
const MISMATCH: ReadonlySet<Reason> = new Set(['digest', 'length', 'limit']);

/** The page lists it, and its link leads nowhere. */
const GONE: ReadonlySet<Reason> = new Set(['forbidden', 'mix-and-match']);
/** Seconds between two readings of a page for the sake of its files. */
const REREAD_AFTER = 30;
const MOST_REREAD = 10_000;

/** The files of an index: an address leads to a believed page, that to an expectation, and that to proved bytes. */
export class Files<P> {
  readonly #options: FilesOptions<P>;
  /** When the page of a project was last read again for the sake of a file. */
  readonly #reread = new BoundedMap<Instant>({ entries: MOST_REREAD });

  constructor(options: FilesOptions<P>) {
    this.#options = options;
  }

  /** Throws Refusal: `unlisted` where no page lists it at this address, or why it is not served. */
  async find(address: FileAddress, caller: Caller): Promise<FileAnswer> {
    const { filename, metadata, projects, find } = readAddress(address);
    for (const project of await this.#worthALook(projects, caller)) {
      // A project that does not exist is one candidate less; anything else is an answer.
      const page = await this.#pageOf(project, address, caller).catch(absent);
      if (page === undefined) continue;
      // Refused by name, so that a lock file's user learns why.
      const refusal = page.refusal(filename);
      if (refusal !== undefined) throw refusal;
      const file = find(page.listing);
      if (file === undefined) continue;
      this.#options.onAsked?.(page, file, metadata);
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
    const wanted = () => this.#seen(page, file, caller);
    return this.#told(file, async () => this.#blob(page, file, await wanted(), caller, { sent: false }), caller);
  }

  /** What `open` gave outlasts a power cut when this resolves. Throws Refusal. */
  settle(sha256: string): Promise<void> {
    return this.#options.blobs.sync(sha256);
  }

  /** Whether a file that the page lists is stored, as far as the store's record knows. */
  async isHeld(page: BelievedPage<P>, filename: string): Promise<boolean> {
    const file = page.file(filename);
    if (file === undefined) return false;
    return this.#options.blobs.stored(await this.#seenBefore(page, filename, page.expect(file, undefined)));
  }

  /**
   * The proved core metadata of a file that the page lists; not counted as served, and confirmed by nothing. Undefined where upstream
   * lacks it, or only the file itself can vouch for it. Throws Refusal.
   */
  async openCoreMetadata(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<Blob | undefined> {
    const { expectations, coreMetadata, fetch, pins } = this.#options;
    const wanted = await expectations.coreMetadata(page, file, caller);
    coreMetadata.refuseBelied(file);
    if (await pins.isLateCoreMetadata(page.project, file)) return undefined;
    return fetch.fileIfThere(wanted, caller);
  }

  /** Whether a file, or its core metadata, is not held, and lies where this mirror may go. */
  async mayLookAt(page: BelievedPage<P>, file: OwnFile, isMetadata: boolean): Promise<boolean> {
    const { expectations, blobs } = this.#options;
    const expected = isMetadata ? page.expectCoreMetadata(file, undefined) : page.expect(file, undefined);
    return expectations.mayFetch(file) && !(await blobs.stored(expected));
  }

  /** What upstream cannot be asked about now is served where it is held: by the last page, however old that is. */
  async #pageOf(project: string, address: FileAddress, caller: Caller): Promise<BelievedPage<P>> {
    const { pages, blobs, reports } = this.#options;
    const page = await pages.getForHeld(project, caller);
    if (!pages.isOutlived(page)) {
      return page;
    }
    const { filename, metadata, find } = readAddress(address);
    if (page.refusal(filename) !== undefined) return page;
    const file = find(page.listing);
    if (file === undefined) return pages.get(project, caller);
    const expected = metadata
      ? page.expectCoreMetadata(file, undefined)
      : await this.#seenBefore(page, filename, page.expect(file, undefined));
    if (!(await blobs.stored(expected))) return pages.get(project, caller);
    reports.stoodIn('file');
    return page;
  }

  /**
   * Of the projects a file name may belong to: those held here, and the first of the others. A name that somebody made up
   * costs upstream one look, however many ways there are to read it.
   */
  async #worthALook(projects: readonly string[], caller: Caller): Promise<readonly string[]> {
    const { pages } = this.#options;
    if (projects.length < 2 || !pages.areAskedByName) return projects;
    const held: string[] = [];
    let other: string | undefined;
    for (const project of projects)
      if (await pages.isHeld(project, caller)) held.push(project);
      else if (other === undefined && !pages.isAbsent(project)) other = project;
    return other === undefined ? held : [...held, other];
  }

  async #answer(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<FileAnswer> {
    const wanted = await this.#wanted(page, file, caller);
    return this.#answerWith(wanted, { ...file, project: page.project }, async () =>
      this.#blob(page, file, await this.#seen(page, file, caller, wanted), caller, { sent: true }),
    );
  }

  /** What is known of the file without fetching it: of one that was never seen, and that nobody states a digest of, nothing. */
  async #wanted(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<WantedFile> {
    const wanted = await this.#options.expectations.file(page, file, caller);
    return { ...wanted, expected: await this.#seenBefore(page, wanted.name, wanted.expected) };
  }

  /** What is pinned of a file whose page does not state it, or not yet. */
  async #seenBefore({ project }: BelievedPage<P>, filename: string, stated: Expected): Promise<Expected> {
    if (stated.digests.size > 0) return stated;
    return (await this.#options.firstSights?.remembered(project, filename))?.expected ?? stated;
  }

  /** The same of a file that is seen now where it never was. */
  async #seen(page: BelievedPage<P>, file: OwnFile, caller: Caller, known?: WantedFile): Promise<WantedFile> {
    const wanted = known ?? (await this.#wanted(page, file, caller));
    const { firstSights } = this.#options;
    if (wanted.expected.digests.size > 0 || firstSights === undefined || file.firstSight !== true) return wanted;
    const see = (at: WantedFile) => this.#told(file, () => firstSights.see(page.project, file, at, caller), caller);
    const { expected } = await this.#followed(page, file, caller, { wanted, work: see });
    return { ...wanted, expected };
  }

  async #metadataAnswer(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<FileAnswer> {
    const { expectations, coreMetadata, fetch, pins, background } = this.#options;
    const wanted = await expectations.coreMetadata(page, file, caller);
    coreMetadata.refuseBelied(file);
    const wheel = async () => this.#blob(page, file, await this.#seen(page, file, caller), caller, { sent: false });
    return this.#answerWith(wanted, {}, async () => {
      if (await pins.isLateCoreMetadata(page.project, file)) {
        await coreMetadata.refuseUnlessInside(file, await wheel(), caller);
        await pins.holdsCoreMetadata(page.project, file);
      } else await coreMetadata.compareStored(file, (await this.#wanted(page, file, caller)).expected, caller);
      coreMetadata.refuseBelied(file);
      const blob = await fetch.file({ ...wanted, otherwise: coreMetadata.fromWheel(file, wheel) }, caller);
      background.add(pins.sentCoreMetadata(page.project, file, page.believed.observation));
      return blob;
    });
  }

  /** Counted as served once, however often it is opened. */
  async #answerWith(
    wanted: Wanted,
    { project, firstSight, carried }: Pick<OwnFile, 'firstSight' | 'carried'> & { readonly project?: string },
    fetch: () => Promise<Blob>,
  ): Promise<FileAnswer> {
    const { blobs, reports } = this.#options;
    const { name, subject, expected } = wanted;
    const asked = performance.now();
    const stored = await blobs.stored(expected);
    let isCounted = false;
    return makeFileAnswer({
      filename: name,
      project,
      size: expected.length,
      sha256: expected.digests.get('sha256'),
      stored,
      firstSight,
      carried,
      async open() {
        const blob = await fetch();
        if (!isCounted)
          reports.served(
            firstSight === true ? 'first-sight' : subject,
            stored ? 'disk' : 'upstream',
            secondsSince(asked),
          );
        isCounted = true;
        return blob;
      },
    });
  }

  async #blob(
    page: BelievedPage<P>,
    file: OwnFile,
    wanted: WantedFile,
    caller: Caller,
    { sent }: { readonly sent: boolean },
  ): Promise<Blob> {
    const { fetch, coreMetadata, heldVariants, pages, pins, policy, background } = this.#options;
    const work = (at: WantedFile) =>
      fetch.file(at, caller).catch((error: unknown) => {
        if (error instanceof Refusal && MISMATCH.has(error.reason)) pages.doubt(page);
        throw error;
      });
    const blob = await this.#followed(page, file, caller, { wanted, work });
    await coreMetadata.compare(file, blob, caller);
    if (isVariants(wanted.name)) await heldVariants.hold(await blob.bytes(VARIANTS_BYTES), wanted.name, page, caller);
    const verdict = await policy.file(page.project, file, blob, caller);
    const isServed = verdict.action === 'serve';
    background.add(pins.proved(page.project, file, page.believed.observation, sent && isServed));
    if (!isServed) throw verdict.refusal(file.entry.filename);
    return blob;
  }

  /** Once more behind another link where this one led nowhere. */
  async #followed<T>(
    page: BelievedPage<P>,
    file: OwnFile,
    caller: Caller,
    { wanted, work }: { readonly wanted: WantedFile; readonly work: (wanted: WantedFile) => Promise<T> },
  ): Promise<T> {
    try {
      return await work(wanted);
    } catch (error) {
      const isGone = error instanceof Refusal && GONE.has(error.reason);
      const moved = isGone ? await this.#moved(page, file, caller) : undefined;
      if (moved === undefined) throw error;
      return work(moved);
    }
  }

  /** The same file behind another link, as upstream's page has it now: a signed link lives for minutes. Asked once in a while. */
  async #moved(page: BelievedPage<P>, file: OwnFile, caller: Caller): Promise<WantedFile | undefined> {
    const { pages, clock } = this.#options;
    const { project } = page;
    const last = this.#reread.get(project);
    if (last !== undefined && isRecent(last, REREAD_AFTER, clock.now())) return undefined;
    this.#reread.set(project, clock.now());
    const now = await pages.again(page, caller).catch(() => undefined);
    const there = now?.listing.files.get(file.entry.filename);
    if (now === undefined || there === undefined || there.path !== file.path || there.upstream === file.upstream)
      return undefined;
    return this.#wanted(now, there, caller);
  }

  async #told<T>(file: OwnFile, work: () => Promise<T>, caller?: Caller): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refusal && error.reason !== 'unlisted' && caller?.signal.aborted !== true)
        this.#options.reports.refused({ subject: error.subject ?? 'file', name: file.entry.filename }, error);
      throw error;
    }
  }
}
