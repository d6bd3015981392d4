import { yieldToEventLoop } from '../../async/yield.ts';
import type { Digests } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Pin, Pins, UnsavedPage } from '../../ports/index-state.ts';
import type { Enforced } from '../../ports/page-work.ts';
import { type JudgedPage, type Listing, type OwnFile, without } from '../../pypi/listing.ts';
import { textOf } from '../../pypi/losses.ts';
import { isVariants, versionOf } from '../../pypi/names.ts';
import type { Observation } from '../believed.ts';
import { type OfferingPage, SeenRemovals } from '../seen-removals.ts';
import { confirmedReleases, reportJoined } from './joined.ts';
import { PinMarks } from './pin-marks.ts';
import {
  allAllow,
  contradiction,
  contradictionOfCoreMetadata,
  contradicts,
  contradictsCoreMetadata,
  coreMetadataOf,
  extended,
  firstPin,
  forbidsNothing,
  givesWay,
  identityOf,
  isConfirmable,
  isLate,
  isUncomparable,
  lateCoreMetadata,
  replacement,
  seenWithout,
  UNPINNED,
} from './pin-states.ts';
import type { Reports } from './reports.ts';

/** A few milliseconds of work. */
const FILES_A_TURN = 2000;
type KnownPins = ReadonlyMap<string, Pin>;
type Withheld = Map<string, Refusal>;
type KnownNames = Pick<ReadonlyMap<string, unknown>, 'has'>;

const NO_PINS: KnownPins = new Map();

/** A listing as far as its pins let it be served. */
export interface Enforcement extends Enforced {
  readonly pins: KnownPins;
}

/** New pins of one page, and what of it is withheld. */
interface Additions {
  readonly news: KnownPins;
  readonly withheld: Withheld;
  readonly page: UnsavedPage | undefined;
}

interface ProjectPinsOptions {
  readonly pins: Pins;
  readonly clock: Clock;
  readonly reports: Reports;
  /** True where upstream may put other bytes under a name it used before: nothing is pinned. */
  readonly reuploads: boolean;
}

/** A file name, once seen, keeps its bytes. New names are pinned durably before anything is served by them. */
export class ProjectPins {
  readonly #pins: Pins;
  readonly #clock: Clock;
  readonly #reports: Reports;
  readonly #reuploads: boolean;
  readonly #marks: PinMarks;
  readonly #removals: SeenRemovals;

  constructor({ pins, clock, reports, reuploads }: ProjectPinsOptions) {
    this.#pins = pins;
    this.#clock = clock;
    this.#reports = reports;
    this.#reuploads = reuploads;
    this.#marks = new PinMarks({ pins, reports });
    this.#removals = new SeenRemovals({ pins, clock, reports, reuploads });
  }

  async of(project: string): Promise<KnownPins> {
    await this.#marks.write(project);
    return this.#pins.of(project);
  }

  /** A page that is not stored yet is stored with its new pins, if it has any. */
  async enforce(listing: Listing, observation: Observation, page?: UnsavedPage): Promise<Enforcement> {
    if (this.#reuploads) return { listing, withheld: new Map(), silenced: new Map(), pins: NO_PINS };
    await this.#marks.write(listing.name);
    const enforced = await this.#enforce(listing, observation, await this.#pins.of(listing.name), page);
    return { ...enforced, listing: without(listing, enforced) };
  }

  /** The same of a page that is served as it is or not at all: its pins; undefined, and nothing is written or told, where they forbid anything of it. */
  async permit(judged: OfferingPage, observation: Observation, page?: UnsavedPage): Promise<KnownPins | undefined> {
    if (this.#reuploads) return NO_PINS;
    await this.#marks.write(judged.name);
    const found = await this.#pins.of(judged.name);
    if (!forbidsNothing(found, judged, observation)) return undefined;
    const { withheld, silenced, pins } = await this.#enforce(judged, observation, found, page);
    return withheld.size === 0 && silenced.size === 0 ? pins : undefined;
  }

  async #enforce(listing: OfferingPage, observation: Observation, found: KnownPins, page: UnsavedPage | undefined) {
    const known = (await this.#giveWay(listing, observation, found)) ? await this.#pins.of(listing.name) : found;
    const { withheld, silenced, news } = await this.#judge(listing, known, observation);
    const pins = news.size === 0 ? known : await this.#add(listing.name, known, { news, withheld, page });
    reportJoined(this.#reports, listing.name, known, news);
    for (const [name, refusal] of [...withheld, ...silenced])
      this.#reports.refused({ subject: refusal.subject ?? 'file', name }, refusal);
    for (const file of withheld.keys()) this.#heldBack(listing, file, pins.get(file));
    await this.#confirm(listing, observation, pins, withheld);
    await this.#removals.see(listing, observation, found);
    return { withheld, silenced, pins };
  }

  /** The index has no page of the project, or none any more. Does not throw. */
  gone(project: string, observation: Observation): Promise<void> {
    return this.#removals.gone(project, observation);
  }

  /** True where every file of a listing has the pin that lets it be served. */
  async allow(listing: Listing): Promise<boolean> {
    return this.#reuploads || allAllow(await this.#pins.of(listing.name), listing);
  }

  /** Names the pins a page is judged by, and how it was seen: where both are the same, they say and learn the same of the same page. */
  async identity(project: string, observation: Observation): Promise<string> {
    return identityOf(this.#reuploads ? UNPINNED : (await this.#pins.read(project)).id, observation);
  }

  /** The same of pins that let every file of a listing be served; undefined where they do not. */
  async identityAllowing(listing: JudgedPage, observation: Observation): Promise<string | undefined> {
    if (this.#reuploads) return identityOf(UNPINNED, observation);
    // One reading: what allows it is what is named.
    const { id, pins } = await this.#pins.read(listing.name);
    return allAllow(pins, listing, observation) ? identityOf(id, observation) : undefined;
  }

  /** A signed page lists now what was enforced of it: what comes later was not there yet. Others say themselves when that was. */
  looked(project: string, observation: Observation): void {
    this.#removals.looked(project, observation);
  }

  /** Files that are proved, and that this page lists as another fetch did, are provisional no longer. */
  async confirm(listing: Listing, observation: Observation): Promise<void> {
    if (this.#reuploads) return;
    await this.#marks.write(listing.name);
    await this.#confirm(listing, observation, await this.#pins.of(listing.name));
  }

  async #confirm(listing: JudgedPage, observation: Observation, known: KnownPins, withheld: KnownNames = NO_PINS) {
    const ready: string[] = [];
    for (const { entry, path } of listing.files.values()) {
      if (withheld.has(entry.filename)) continue;
      const pin = known.get(entry.filename);
      // Pins may have been taken back and made anew since.
      if (pin?.provisional === true) this.#marks.unsettle(path);
      if (isConfirmable(pin, entry, observation)) ready.push(entry.filename);
    }
    if (ready.length > 0) await this.#pins.confirm(listing.name, ready);
  }

  /**
   * A file's bytes matched what its page said. `sent`: a client is given them, and what a client was given keeps its bytes
   * from then on. Resolves when its pin says so, a moment later and with all that came meanwhile; pages that are drawn before
   * wait for it, and where a process is killed before, the file is only proved again. Does not throw.
   */
  async proved(project: string, file: OwnFile, observation: Observation, sent: boolean): Promise<void> {
    if (this.#reuploads || observation.final || this.#marks.isSettled(file.path)) return;
    const { entry, path } = file;
    // A client was sent it a moment ago: that says more.
    if (!sent && this.#marks.waits(project, path)) return this.#marks.written();
    await this.#marks.tell(project, path, {
      file: entry.filename,
      digests: entry.digests,
      confirms: (pin) => (sent && !contradicts(pin, entry)) || isConfirmable(pin, entry, observation),
    });
  }

  /** A client is given core metadata, proved by what its page announces beside the file. Does not throw. */
  async sentCoreMetadata(project: string, { entry, path }: OwnFile, { final }: Observation): Promise<void> {
    const key = `${path}.metadata`;
    if (this.#reuploads || final || this.#marks.isSettled(key)) return;
    await this.#marks.tell(project, key, {
      file: entry.filename,
      digests: undefined,
      confirms: (pin) =>
        pin.coreMetadata !== undefined && !contradicts(pin, entry) && !contradictsCoreMetadata(pin, entry),
    });
  }

  /** What would be written in a moment is written now; whoever asked for it waits for it. */
  hurry(): void {
    this.#marks.hurry();
  }

  /** Core metadata is announced for a file that was confirmed without any. */
  async isLateCoreMetadata(project: string, { entry, path }: OwnFile): Promise<boolean> {
    if (this.#reuploads || this.#marks.isSettled(`${path}.metadata`)) return false;
    const pin = (await this.#pins.of(project)).get(entry.filename);
    return pin !== undefined && isLate(pin, entry);
  }

  /** The core metadata announced for the file is what the file holds. */
  async holdsCoreMetadata(project: string, { entry }: OwnFile): Promise<void> {
    const stated = coreMetadataOf(entry);
    if (!this.#reuploads && stated !== undefined) await this.#pins.addCoreMetadata(project, entry.filename, stated);
  }

  #heldBack({ name, files }: JudgedPage, file: string, pin: Pin | undefined): void {
    const offered = files.get(file)?.entry.digests;
    if (pin === undefined || offered === undefined) return;
    this.#reports.heldBack(name, { file, reason: 'changed', before: textOf(pin.digests), after: textOf(offered) });
  }

  async #judge(listing: JudgedPage, known: KnownPins, observation: Observation) {
    const now = this.#clock.now();
    const news = new Map<string, Pin>();
    const withheld: Withheld = new Map();
    const silenced: Withheld = new Map();
    const releases = confirmedReleases(listing.name, known);
    const absent = seenWithout(known, this.#removals.last(listing.name), observation);
    let looked = 0;
    for (const { entry, carried } of listing.files.values()) {
      if (++looked % FILES_A_TURN === 0) await yieldToEventLoop();
      const { filename, digests } = entry;
      const pin = known.get(filename);
      // Nothing to pin before it was seen, or in what changes by nature.
      if (digests.size === 0 || isVariants(filename)) continue;
      if (pin === undefined) {
        const joined = releases.has(versionOf(filename, listing.name));
        news.set(filename, firstPin(entry, observation, { now, absent, joined, carried }));
        continue;
      }
      if (contradicts(pin, entry)) {
        withheld.set(filename, contradiction('file', filename, pin, pin.digests, digests));
        continue;
      }
      if (contradictsCoreMetadata(pin, entry))
        silenced.set(filename, contradictionOfCoreMetadata(filename, pin, coreMetadataOf(entry)));
      else if (isUncomparable(pin, entry, observation)) silenced.set(filename, lateCoreMetadata(entry));
      const next = extended(pin, entry, observation);
      if (next !== undefined) news.set(filename, next);
    }
    return { withheld, silenced, news };
  }

  /** Makes new pins durable; what another process was quicker to pin otherwise is withheld. */
  async #add(project: string, known: KnownPins, { news, withheld, page }: Additions): Promise<KnownPins> {
    const kept = await this.#pins.add(project, news, page).catch((error: unknown) => {
      // No room for more: what has a pin is served by it, and what would have none is not served.
      if (!(error instanceof Refusal) || error.reason !== 'limit') throw error;
      for (const filename of news.keys()) if (!known.has(filename)) withheld.set(filename, error);
      return this.#pins.of(project);
    });
    for (const [filename, { digests }] of news) {
      const pin = kept.get(filename);
      if (pin !== undefined && contradicts(pin, { filename, digests }))
        withheld.set(filename, contradiction('file', filename, pin, pin.digests, digests));
    }
    return kept;
  }

  /** True where a pin has given way. */
  async #giveWay(listing: JudgedPage, observation: Observation, known: KnownPins): Promise<boolean> {
    const others = new Map<string, Pin>();
    for (const { entry, path } of listing.files.values()) {
      const pin = known.get(entry.filename);
      if (pin === undefined || !givesWay(pin, entry, observation)) continue;
      this.#marks.unsettle(path);
      others.set(entry.filename, replacement(pin, entry, observation, this.#clock.now()));
    }
    if (others.size === 0) return false;
    await this.#pins.replaceAll(listing.name, others);
    for (const [file, { digests }] of others) this.#noteReplaced(listing.name, file, known.get(file), digests);
    return true;
  }

  #noteReplaced(project: string, file: string, was: Pin | undefined, digests: Digests): void {
    this.#reports.changed(project, {
      kind: 'changed',
      file,
      before: textOf(was?.digests ?? new Map()),
      after: textOf(digests),
      reason: `the pin was provisional, from fetch ${was?.fetch ?? 'unknown'}`,
    });
  }
}
