import type { Caller } from '../../async/caller.ts';
import { createFlights, type Flights } from '../../async/flight.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import { existing } from '../../bytes/existing.ts';
import type { Instant } from '../../bytes/instant.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { makeUnverifiedDocument, type UnverifiedDocument } from '../../bytes/unverified.ts';
import { StorageError } from '../../ports/blob-storage.ts';
import type { RelayedDocuments, RelayedKind, RelayedName } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LegacySource, PageWork } from '../../ports/page-work.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { JudgedFile } from '../../pypi/listing.ts';
import { INTEGRITY, JSON_TYPE } from '../../pypi/media-types.ts';
import { projectCandidates, versionOf } from '../../pypi/names.ts';
import { absent } from '../absence.ts';
import { foreignHost } from '../files/foreign-host.ts';
import { type HeldVariants, VARIANTS_BYTES } from '../files/held-variants.ts';
import type { UnverifiedDocuments } from '../package-index.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import { isRecent } from '../recent.ts';
import { DrawnLegacy } from './drawn-legacy.ts';
import { Spellings } from './spellings.ts';

interface DocumentsOptions<P> {
  readonly upstream: Upstream;
  /** The upstream's `/pypi/` and `/integrity/` lie under this; undefined where it has neither. */
  readonly api: string | undefined;
  readonly pages: { get(project: string, caller: Caller): Promise<BelievedPage<P>> };
  readonly work: Pick<PageWork, 'drawLegacy'>;
  readonly heldVariants: HeldVariants;
  /** Where what is relayed of files is kept; undefined where it arrives with the index itself. */
  readonly relayed?: RelayedDocuments | undefined;
  readonly clock: Clock;
  readonly maxAge: number;
  /** Bytes. */
  readonly memory: number;
}

interface Kept {
  readonly document: UnverifiedDocument | 'absent';
  readonly at: Instant;
}

const MOST_BYTES = 32 * 1024 * 1024;
const SIGNATURE = 'application/pgp-signature';
/** Seconds; provenance may grow, legacy JSON changes with every upload. */
const KEPT_FOR = 300;
/** Seconds, at most; that there is none is soon forgotten. */
const ABSENT_FOR = 60;

/** Documents that nothing vouches for, fetched on demand and kept for minutes. */
export class Documents<P> implements UnverifiedDocuments {
  readonly #options: DocumentsOptions<P>;
  readonly #memory: BoundedMap<Kept>;
  readonly #flights: Flights<UnverifiedDocument | 'absent'> = createFlights();
  readonly #spellings = new Spellings();
  readonly #drawn: DrawnLegacy;

  constructor(options: DocumentsOptions<P>) {
    this.#options = options;
    this.#memory = new BoundedMap({ bytes: options.memory / 2 });
    this.#drawn = new DrawnLegacy(options.work, options.memory / 2);
  }

  async legacyJson(
    project: string,
    asked: string | undefined,
    base: string,
    caller: Caller,
  ): Promise<UnverifiedDocument> {
    const { api, pages } = this.#options;
    const { listing, withheld, believed } = await pages.get(project, caller);
    const { source } = believed;
    const page = existing(source, 'a page that is drawn has a source');
    // Upstream is asked about versions that there are, in one spelling: else anybody could have it asked for ever.
    const version = asked === undefined ? undefined : ((await this.#spellings.of(listing, asked)) ?? unknown());
    const path = version === undefined ? `pypi/${project}/json` : `pypi/${project}/${encodeURIComponent(version)}/json`;
    const own =
      api === undefined
        ? undefined
        : await this.#fetch(new URL(path, api).href, JSON_TYPE, JSON_TYPE, caller).catch(absent);
    const shown: LegacySource = {
      project,
      bytes: await page.read(caller),
      pageUrl: page.url,
      listing,
      withheld,
      upstream: own && lend(own.bytes),
      version,
      base,
    };
    const document = await this.#drawn.draw(shown, own, caller);
    if (document === undefined) throw unlisted();
    // Lower where the page is older: whoever compares serials then comes again.
    const serial = lower(own?.serial, page.serial);
    return makeUnverifiedDocument({ bytes: document, contentType: JSON_TYPE, maxAge: KEPT_FOR, serial });
  }

  async provenance(project: string, asked: string, filename: string, caller: Caller): Promise<UnverifiedDocument> {
    const { api, pages } = this.#options;
    const { listing } = await pages.get(project, caller);
    const file = listing.files.get(filename);
    if (file?.entry.provenance === undefined || api === undefined) throw unlisted();
    const version = (await this.#spellings.of(listing, asked)) ?? unknown();
    const own = await this.#spellings.of(listing, versionOf(filename, project) ?? '');
    if (version !== own) throw unlisted();
    return this.provenanceOf(project, version, file, caller);
  }

  async provenanceOf(
    project: string,
    version: string,
    file: Pick<JudgedFile, 'entry'>,
    caller: Caller,
  ): Promise<UnverifiedDocument> {
    const api = existing(this.#options.api, 'provenance was asked for where it has no place');
    const { filename } = file.entry;
    const path = `integrity/${project}/${encodeURIComponent(version)}/${encodeURIComponent(filename)}/provenance`;
    const ask = () => this.#fetch(new URL(path, api).href, INTEGRITY, INTEGRITY, caller);
    return this.#keeping(nameOf('provenance', project, file), INTEGRITY, ask);
  }

  async variants(project: string, filename: string, caller: Caller): Promise<UnverifiedDocument> {
    const { pages, upstream, heldVariants } = this.#options;
    const page = await pages.get(project, caller);
    const file = page.file(filename);
    if (file?.unproved !== true) throw unlisted();
    if (!upstream.mayFetch(file.upstream, true)) throw foreignHost({ name: filename, subject: 'file' }, file.upstream);
    const document = await this.#fetch(file.upstream, '*/*', JSON_TYPE, caller, VARIANTS_BYTES);
    await heldVariants.hold(lend(document.bytes), filename, page, caller);
    return document;
  }

  async signature(path: string, caller: Caller, of?: string | undefined): Promise<UnverifiedDocument> {
    const filename = path.slice(path.lastIndexOf('/') + 1);
    for (const project of of === undefined ? projectCandidates(filename) : [of]) {
      const page = await this.#options.pages.get(project, caller).catch(absent);
      const file = page?.listing.files.get(filename);
      if (file?.path !== path) continue;
      const refusal = page?.refusal(filename);
      if (refusal !== undefined) throw refusal;
      // PEP 503: without a word about it there may be one.
      if (file.entry.gpgSig !== false && this.#options.upstream.mayFetch(file.upstream))
        return this.#keeping(nameOf('signature', project, file), SIGNATURE, () =>
          this.#fetch(`${file.upstream}.asc`, '*/*', SIGNATURE, caller),
        );
    }
    throw unlisted();
  }

  async relay(page: BelievedPage<unknown>, filename: string, caller: Caller): Promise<void> {
    const { relayed, api } = this.#options;
    const { project, listing } = page;
    const file = listing.files.get(filename);
    if (file === undefined || relayed === undefined || page.refusal(filename) !== undefined) return;
    const { provenance, gpgSig } = file.entry;
    const lacks = async (kind: RelayedKind) => (await relayed.stored(nameOf(kind, project, file))) === undefined;
    const version = versionOf(filename, project);
    if (provenance !== undefined && api !== undefined && version !== undefined && (await lacks('provenance')))
      await this.provenance(project, version, filename, caller);
    if (gpgSig === true && (await lacks('signature'))) await this.signature(file.path, caller);
  }

  /** What upstream sends of a file is kept, as it came; what is kept is there where nobody is asked. */
  async #keeping(
    name: RelayedName,
    contentType: string,
    ask: () => Promise<UnverifiedDocument>,
  ): Promise<UnverifiedDocument> {
    const { relayed } = this.#options;
    if (relayed === undefined) return ask();
    try {
      const document = await ask();
      // Whoever asked has it, room or not.
      await relayed.keep(name, lend(document.bytes)).catch(noRoomOnly);
      return document;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.reason === 'unlisted') await relayed.forget(name);
      const bytes = error.reason === 'offline' ? await relayed.read(name) : undefined;
      if (bytes === undefined) throw error;
      return makeUnverifiedDocument({ bytes, contentType, maxAge: KEPT_FOR });
    }
  }

  async #fetch(
    url: string,
    accept: string,
    contentType: string,
    caller: Caller,
    limit = MOST_BYTES,
  ): Promise<UnverifiedDocument> {
    const { upstream, clock, maxAge } = this.#options;
    const kept = this.#memory.get(url);
    const keptFor = kept?.document === 'absent' ? Math.min(ABSENT_FOR, maxAge) : KEPT_FOR;
    if (kept !== undefined && isRecent(kept.at, keptFor, clock.now())) return listed(kept.document);
    const document = await this.#flights.join(url, caller, async (shared) => {
      const answer = await upstream.document({ url, accept, fresh: false, limit }, shared);
      const found =
        answer.kind === 'document'
          ? makeUnverifiedDocument({ bytes: answer.bytes, contentType, maxAge: KEPT_FOR, serial: answer.serial })
          : 'absent';
      const weight = found === 'absent' ? url.length : found.bytes.byteLength;
      this.#memory.set(url, { document: found, at: clock.now() }, weight);
      return found;
    });
    return listed(document);
  }
}

function nameOf(kind: RelayedKind, project: string, { entry }: Pick<JudgedFile, 'entry'>): RelayedName {
  return { kind, project, filename: entry.filename, digests: entry.digests };
}

function noRoomOnly(error: unknown): void {
  if (!(error instanceof Refusal || error instanceof StorageError)) throw error;
}

function listed(document: UnverifiedDocument | 'absent'): UnverifiedDocument {
  if (document === 'absent') throw unlisted();
  return document;
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function unknown(): never {
  throw unlisted();
}

function unlisted(): Refusal {
  return new Refusal('unlisted', 'The index has no such document.', { subject: 'request' });
}
