import { Soon } from '../../async/soon.ts';
import { yieldToEventLoop } from '../../async/yield.ts';
import type { Digests } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Pin, PinMark, Pins, UnsavedPage } from '../../ports/index-state.ts';
import type { Enforced } from '../../ports/page-work.ts';
import { type Listing, type OwnFile, without } from '../../pypi/listing.ts';
import { textOf } from '../../pypi/losses.ts';
import { versionOf } from '../../pypi/names.ts';
import type { Observation } from '../believed.ts';
import { confirmedReleases, reportJoined } from './joined.ts';
import {
  contradiction,
  contradicts,
  contradictsCoreMetadata,
  coreMetadataOf,
  extended,
  firstPin,
  givesWay,
  isConfirmable,
  isLate,
  isUncomparable,
  lateCoreMetadata,
  replacement,
} from './pin-states.ts';
import type { Reports } from './reports.ts';

/** What is known of files is written into their pins so long after the first: what comes meanwhile is written with it. Milliseconds. */
const TOLD_SOON_MS = 250;
/** A few milliseconds of work. */
const FILES_A_TURN = 2000;
/** Files remembered as having nothing left to confirm. */
const MOST_SETTLED = 50_000;

type KnownPins = ReadonlyMap<string, Pin>;
type Withheld = Map<string, Refusal>;

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
  /** Files with nothing left to confirm, by their path here, which holds a digest: one that is sent needs no look at its pin. */
  readonly #settled = new Set<string>();
  /** By project, and by path: what is known of files, and not written into their pins yet. */
  readonly #unwritten = new Map<string, Map<string, PinMark>>();
  readonly #soon = new Soon(TOLD_SOON_MS, () => this.#writeAllTold());

  constructor({ pins, clock, reports, reuploads }: ProjectPinsOptions) {
    this.#pins = pins;
    this.#clock = clock;
    this.#reports = reports;
    this.#reuploads = reuploads;
  }

  async of(project: string): Promise<KnownPins> {
    await this.#writeTold(project);
    return this.#pins.of(project);
  }

  /** A page that is not stored yet is stored with its new pins, if it has any. */
  async enforce(listing: Listing, observation: Observation, page?: UnsavedPage): Promise<Enforcement> {
    if (this.#reuploads) return { listing, withheld: new Map(), silenced: new Map(), pins: NO_PINS };
    if (this.#unwritten.has(listing.name)) await this.#writeTold(listing.name);
    const found = await this.#pins.of(listing.name);
    const known = (await this.#giveWay(listing, observation, found)) ? await this.#pins.of(listing.name) : found;
    const { withheld, silenced, news } = await this.#judge(listing, known, observation);
    const pins = news.size === 0 ? known : await this.#add(listing.name, known, { news, withheld, page });
    reportJoined(this.#reports, listing.name, known, news);
    for (const [name, refusal] of [...withheld, ...silenced])
      this.#reports.refused({ subject: refusal.subject ?? 'file', name }, refusal);
    for (const file of withheld.keys()) this.#heldBack(listing, file, pins.get(file));
    const served = without(listing, { withheld, silenced });
    await this.#confirm(served, observation, pins);
    return { listing: served, withheld, silenced, pins };
  }

  /** True where every file of a listing has the pin that lets it be served. */
  async allow(listing: Listing): Promise<boolean> {
    if (this.#reuploads) return true;
    const known = await this.#pins.of(listing.name);
    for (const { entry } of listing.files.values()) {
      const pin = known.get(entry.filename);
      if (pin === undefined || contradicts(pin, entry) || contradictsCoreMetadata(pin, entry)) return false;
    }
    return true;
  }

  /** Files that are proved, and that this page lists as another fetch did, are provisional no longer. */
  async confirm(listing: Listing, observation: Observation): Promise<void> {
    if (this.#reuploads) return;
    await this.#writeTold(listing.name);
    await this.#confirm(listing, observation, await this.#pins.of(listing.name));
  }

  async #confirm(listing: Listing, observation: Observation, known: KnownPins): Promise<void> {
    const ready: string[] = [];
    for (const { entry, path } of listing.files.values()) {
      const pin = known.get(entry.filename);
      // Pins may have been taken back and made anew since.
      if (pin?.provisional === true) this.#unsettle(path);
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
    if (this.#reuploads || observation.final || this.#settled.has(file.path)) return;
    const { entry, path } = file;
    // A client was sent it a moment ago: that says more.
    if (!sent && this.#unwritten.get(project)?.has(path) === true) return this.#soon.ask();
    await this.#tell(project, path, {
      file: entry.filename,
      digests: entry.digests,
      confirms: (pin) => (sent && !contradicts(pin, entry)) || isConfirmable(pin, entry, observation),
    });
  }

  /** A client is given core metadata, proved by what its page announces beside the file. Does not throw. */
  async sentCoreMetadata(project: string, { entry, path }: OwnFile, { final }: Observation): Promise<void> {
    const key = `${path}.metadata`;
    if (this.#reuploads || final || this.#settled.has(key)) return;
    await this.#tell(project, key, {
      file: entry.filename,
      digests: undefined,
      confirms: (pin) =>
        pin.coreMetadata !== undefined && !contradicts(pin, entry) && !contradictsCoreMetadata(pin, entry),
    });
  }

  /** What would be written in a moment is written now; whoever asked for it waits for it. */
  hurry(): void {
    this.#soon.now();
  }

  /** Core metadata is announced for a file that was confirmed without any. */
  async isLateCoreMetadata(project: string, { entry, path }: OwnFile): Promise<boolean> {
    if (this.#reuploads || this.#settled.has(`${path}.metadata`)) return false;
    const pin = (await this.#pins.of(project)).get(entry.filename);
    return pin !== undefined && isLate(pin, entry);
  }

  /** The core metadata announced for the file is what the file holds. */
  async holdsCoreMetadata(project: string, { entry }: OwnFile): Promise<void> {
    const stated = coreMetadataOf(entry);
    if (!this.#reuploads && stated !== undefined) await this.#pins.addCoreMetadata(project, entry.filename, stated);
  }

  #heldBack({ name, files }: Listing, file: string, pin: Pin | undefined): void {
    const offered = files.get(file)?.entry.digests;
    if (pin === undefined || offered === undefined) return;
    this.#reports.heldBack(name, { file, reason: 'changed', before: textOf(pin.digests), after: textOf(offered) });
  }

  async #judge(listing: Listing, known: KnownPins, observation: Observation) {
    const now = this.#clock.now();
    const news = new Map<string, Pin>();
    const withheld: Withheld = new Map();
    const silenced: Withheld = new Map();
    const releases = confirmedReleases(listing.name, known);
    let looked = 0;
    for (const { entry } of listing.files.values()) {
      if (++looked % FILES_A_TURN === 0) await yieldToEventLoop();
      const { filename, digests } = entry;
      const pin = known.get(filename);
      if (pin === undefined) {
        news.set(filename, firstPin(entry, observation, now, releases.has(versionOf(filename, listing.name))));
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
      if (pin !== undefined && contradicts(pin, { filename, url: '', digests }))
        withheld.set(filename, contradiction('file', filename, pin, pin.digests, digests));
    }
    return kept;
  }

  /** True where a pin has given way. */
  async #giveWay(listing: Listing, observation: Observation, known: KnownPins): Promise<boolean> {
    if (!observation.final && !observation.repeated) return false;
    const others = new Map<string, Pin>();
    for (const { entry, path } of listing.files.values()) {
      const pin = known.get(entry.filename);
      if (pin === undefined || !givesWay(pin, entry, observation)) continue;
      this.#unsettle(path);
      others.set(entry.filename, replacement(entry, observation, this.#clock.now()));
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

  async #tell(project: string, key: string, told: PinMark): Promise<void> {
    const before = this.#unwritten.get(project) ?? new Map<string, PinMark>();
    this.#unwritten.set(project, before.set(key, told));
    await this.#soon.ask();
  }

  async #writeAllTold(): Promise<void> {
    await Promise.all([...this.#unwritten.keys()].map((project) => this.#writeTold(project)));
  }

  /** Does not throw. */
  async #writeTold(project: string): Promise<void> {
    const told = this.#unwritten.get(project);
    if (told === undefined) return;
    this.#unwritten.delete(project);
    try {
      const pins = await this.#pins.mark(project, [...told.values()]);
      for (const [key, { file, digests }] of told) {
        const pin = pins.get(file);
        if (pin?.provisional !== true && (digests !== undefined || pin?.coreMetadata !== undefined)) this.#settle(key);
      }
    } catch (error) {
      for (const { file } of told.values())
        this.#reports.noted('a pin could not be marked as proved', { file, error: String(error) });
    }
  }

  #settle(path: string): void {
    if (this.#settled.size >= MOST_SETTLED) this.#settled.clear();
    this.#settled.add(path);
  }

  #unsettle(path: string): void {
    this.#settled.delete(path);
    this.#settled.delete(`${path}.metadata`);
  }
}

function contradictionOfCoreMetadata(filename: string, pin: Pin, stated: Digests | undefined): Refusal {
  const before = pin.coreMetadata ?? new Map();
  return contradiction('core-metadata', `${filename}.metadata`, pin, before, stated ?? new Map());
}
