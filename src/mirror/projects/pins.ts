import { yieldToEventLoop } from '../../async/yield.ts';
import type { Digests } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Pin, Pins } from '../../ports/index-state.ts';
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

  constructor({ pins, clock, reports, reuploads }: ProjectPinsOptions) {
    this.#pins = pins;
    this.#clock = clock;
    this.#reports = reports;
    this.#reuploads = reuploads;
  }

  of(project: string): Promise<KnownPins> {
    return this.#pins.of(project);
  }

  async enforce(listing: Listing, observation: Observation): Promise<Enforcement> {
    if (this.#reuploads) return { listing, withheld: new Map(), silenced: new Map(), pins: NO_PINS };
    await this.#giveWay(listing, observation);
    const known = await this.#pins.of(listing.name);
    const { withheld, silenced, news } = await this.#judge(listing, known, observation);
    const pins = news.size === 0 ? known : await this.#add(listing.name, known, news, withheld);
    reportJoined(this.#reports, listing.name, known, news);
    for (const [name, refusal] of [...withheld, ...silenced])
      this.#reports.refused({ subject: refusal.subject ?? 'file', name }, refusal);
    const served = without(listing, { withheld, silenced });
    await this.confirm(served, observation);
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
    const known = await this.#pins.of(listing.name);
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
   * from then on. Does not throw.
   */
  async proved(project: string, file: OwnFile, observation: Observation, sent: boolean): Promise<void> {
    if (this.#reuploads || observation.final || this.#settled.has(file.path)) return;
    try {
      await this.#markProved(project, file, observation, sent);
    } catch (error) {
      this.#notMarked(file.entry.filename, error);
    }
  }

  /** A client is given core metadata, proved by what its page announces beside the file. Does not throw. */
  async sentCoreMetadata(project: string, { entry, path }: OwnFile, { final }: Observation): Promise<void> {
    const key = `${path}.metadata`;
    if (this.#reuploads || final || this.#settled.has(key)) return;
    try {
      const pin = (await this.#pins.of(project)).get(entry.filename);
      if (pin?.coreMetadata === undefined || contradicts(pin, entry) || contradictsCoreMetadata(pin, entry)) return;
      await this.#pins.confirm(project, [entry.filename]);
      this.#settle(key);
    } catch (error) {
      this.#notMarked(entry.filename, error);
    }
  }

  /** Core metadata is announced for a file that was confirmed without any. */
  async isLateCoreMetadata(project: string, { entry }: OwnFile): Promise<boolean> {
    if (this.#reuploads) return false;
    const pin = (await this.#pins.of(project)).get(entry.filename);
    return pin !== undefined && isLate(pin, entry);
  }

  /** The core metadata announced for the file is what the file holds. */
  async holdsCoreMetadata(project: string, { entry }: OwnFile): Promise<void> {
    const stated = coreMetadataOf(entry);
    if (!this.#reuploads && stated !== undefined) await this.#pins.addCoreMetadata(project, entry.filename, stated);
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
  async #add(project: string, known: KnownPins, news: KnownPins, withheld: Withheld): Promise<KnownPins> {
    await this.#pins.add(project, news).catch((error: unknown) => {
      // No room for more: what has a pin is served by it, and what would have none is not served.
      if (!(error instanceof Refusal) || error.reason !== 'limit') throw error;
      for (const filename of news.keys()) if (!known.has(filename)) withheld.set(filename, error);
    });
    const kept = await this.#pins.of(project);
    for (const [filename, { digests }] of news) {
      const pin = kept.get(filename);
      if (pin !== undefined && contradicts(pin, { filename, url: '', digests }))
        withheld.set(filename, contradiction('file', filename, pin, pin.digests, digests));
    }
    return kept;
  }

  async #giveWay(listing: Listing, observation: Observation): Promise<void> {
    if (!observation.final && !observation.repeated) return;
    const known = await this.#pins.of(listing.name);
    const others = new Map<string, Pin>();
    for (const { entry, path } of listing.files.values()) {
      const pin = known.get(entry.filename);
      if (pin === undefined || !givesWay(pin, entry, observation)) continue;
      this.#unsettle(path);
      others.set(entry.filename, replacement(entry, observation, this.#clock.now()));
    }
    if (others.size === 0) return;
    await this.#pins.replaceAll(listing.name, others);
    for (const [file, { digests }] of others) this.#noteReplaced(listing.name, file, known.get(file), digests);
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

  async #markProved(project: string, file: OwnFile, observation: Observation, sent: boolean): Promise<void> {
    const { entry, path } = file;
    await this.#pins.prove(project, entry.filename, entry.digests);
    const pin = (await this.#pins.of(project)).get(entry.filename);
    const isPins = pin !== undefined && !contradicts(pin, entry);
    const ready = (sent && isPins) || isConfirmable(pin, entry, observation);
    if (ready) await this.#pins.confirm(project, [entry.filename]);
    if (!ready && pin?.provisional === true) return;
    this.#settle(path);
  }

  #settle(path: string): void {
    if (this.#settled.size >= MOST_SETTLED) this.#settled.clear();
    this.#settled.add(path);
  }

  #unsettle(path: string): void {
    this.#settled.delete(path);
    this.#settled.delete(`${path}.metadata`);
  }

  #notMarked(file: string, error: unknown): void {
    this.#reports.noted('a pin could not be marked as proved', { file, error: String(error) });
  }
}

function contradictionOfCoreMetadata(filename: string, pin: Pin, stated: Digests | undefined): Refusal {
  const before = pin.coreMetadata ?? new Map();
  return contradiction('core-metadata', `${filename}.metadata`, pin, before, stated ?? new Map());
}
