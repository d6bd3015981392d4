import { Soon } from '../../async/soon.ts';
import { yieldToEventLoop } from '../../async/yield.ts';
import type { Digests } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Pin, Pins, UnsavedPage } from '../../ports/index-state.ts';
import type { Enforced } from '../../ports/page-work.ts';
import { type Listing, type OwnFile, without } from '../../pypi/listing.ts';
import { textOf } from '../../pypi/losses.ts';
import type { Observation } from '../believed.ts';
import {
  contradiction,
  contradicts,
  contradictsCoreMetadata,
  coreMetadataOf,
  extended,
  firstPin,
  givesWay,
  isConfirmable,
  replacement,
} from './pin-states.ts';
import type { Reports } from './reports.ts';

/** What proved files say of their pins is written so long after the first: what comes meanwhile is written with it. Milliseconds. */
const PROVED_SOON_MS = 1000;
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
  /**
   * Files whose pins say what can be said of them, by their path here, which holds a digest, and the fetch that listed them:
   * one that is sent again needs no look at its pin.
   */
  readonly #settled = new Map<string, string>();
  /** By project: files that were proved, and whose pins do not say so yet. */
  readonly #unwritten = new Map<string, Map<OwnFile, Observation>>();
  readonly #soon = new Soon(PROVED_SOON_MS, () => this.#writeAllProved());

  constructor({ pins, clock, reports, reuploads }: ProjectPinsOptions) {
    this.#pins = pins;
    this.#clock = clock;
    this.#reports = reports;
    this.#reuploads = reuploads;
  }

  async of(project: string): Promise<KnownPins> {
    await this.#writeProved(project);
    return this.#pins.of(project);
  }

  /** A page that is not stored yet is stored with its new pins, if it has any. */
  async enforce(listing: Listing, observation: Observation, page?: UnsavedPage): Promise<Enforcement> {
    if (this.#reuploads) return { listing, withheld: new Map(), silenced: new Map(), pins: NO_PINS };
    if (this.#unwritten.has(listing.name)) await this.#writeProved(listing.name);
    await this.#giveWay(listing, observation);
    const known = await this.#pins.of(listing.name);
    const { withheld, silenced, news } = await this.#judge(listing, known, observation);
    const pins = news.size === 0 ? known : await this.#add(listing.name, known, { news, withheld, page });
    for (const [name, refusal] of [...withheld, ...silenced])
      this.#reports.refused({ subject: refusal.subject ?? 'file', name }, refusal);
    const served = without(listing, { withheld, silenced });
    if (!observation.final) await this.#confirm(served, observation, pins);
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
    if (this.#reuploads || observation.final) return;
    await this.#writeProved(listing.name);
    await this.#confirm(listing, observation, await this.#pins.of(listing.name));
  }

  async #confirm(listing: Listing, observation: Observation, known: KnownPins): Promise<void> {
    const ready: string[] = [];
    for (const { entry, path } of listing.files.values()) {
      const pin = known.get(entry.filename);
      // Pins may have been taken back and made anew since.
      if (pin?.provisional === true) this.#settled.delete(path);
      if (isConfirmable(pin, entry, observation)) ready.push(entry.filename);
    }
    if (ready.length > 0) await this.#pins.confirm(listing.name, ready);
  }

  /**
   * A file's bytes matched what its page said. Resolves when its pin says so, within a second and with all that came meanwhile:
   * where a process is killed before, the file is only proved again. Does not throw.
   */
  async proved(project: string, file: OwnFile, observation: Observation): Promise<void> {
    if (this.#reuploads || observation.final || this.#settled.get(file.path) === wordOf(observation)) return;
    const files = this.#unwritten.get(project) ?? new Map<OwnFile, Observation>();
    this.#unwritten.set(project, files.set(file, observation));
    await this.#soon.ask();
  }

  /** What would be written in a moment is written now; whoever asked for it waits for it. */
  hurry(): void {
    this.#soon.now();
  }

  async #judge(listing: Listing, known: KnownPins, observation: Observation) {
    const now = this.#clock.now();
    const news = new Map<string, Pin>();
    const withheld: Withheld = new Map();
    const silenced: Withheld = new Map();
    let looked = 0;
    for (const { entry } of listing.files.values()) {
      if (++looked % FILES_A_TURN === 0) await yieldToEventLoop();
      const { filename, digests } = entry;
      const pin = known.get(filename);
      if (pin === undefined) {
        news.set(filename, firstPin(entry, observation, now));
        continue;
      }
      if (contradicts(pin, entry)) {
        withheld.set(filename, contradiction('file', filename, pin.digests, digests, pin.seen));
        continue;
      }
      if (contradictsCoreMetadata(pin, entry))
        silenced.set(filename, contradictionOfCoreMetadata(filename, pin, coreMetadataOf(entry)));
      const next = extended(pin, entry);
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
        withheld.set(filename, contradiction('file', filename, pin.digests, digests, pin.seen));
    }
    return kept;
  }

  async #giveWay(listing: Listing, observation: Observation): Promise<void> {
    if (observation.final || !observation.repeated) return;
    const known = await this.#pins.of(listing.name);
    const others = new Map<string, Pin>();
    for (const { entry, path } of listing.files.values()) {
      const pin = known.get(entry.filename);
      if (pin === undefined || !givesWay(pin, entry, observation)) continue;
      this.#settled.delete(path);
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

  async #writeAllProved(): Promise<void> {
    await Promise.all([...this.#unwritten.keys()].map((project) => this.#writeProved(project)));
  }

  /** Does not throw. */
  async #writeProved(project: string): Promise<void> {
    const files = this.#unwritten.get(project);
    if (files === undefined) return;
    this.#unwritten.delete(project);
    try {
      await this.#markProved(project, files);
    } catch (error) {
      const detail = { project, files: files.size, error: String(error) };
      this.#reports.noted('pins could not be marked as proved', detail);
    }
  }

  async #markProved(project: string, files: ReadonlyMap<OwnFile, Observation>): Promise<void> {
    await this.#pins.prove(project, new Map([...files.keys()].map(({ entry }) => [entry.filename, entry.digests])));
    const known = await this.#pins.of(project);
    const ready = [...files].filter(([{ entry }, by]) => isConfirmable(known.get(entry.filename), entry, by));
    if (ready.length > 0) await this.#pins.confirm(project, new Set(ready.map(([{ entry }]) => entry.filename)));
    if (this.#settled.size >= MOST_SETTLED) this.#settled.clear();
    for (const [{ path }, observation] of files) this.#settled.set(path, wordOf(observation));
  }
}

/** What a page's word is worth to the pins of its files. */
function wordOf({ fetch, repeated }: Observation): string {
  return `${fetch ?? ''} ${repeated}`;
}

function contradictionOfCoreMetadata(filename: string, pin: Pin, stated: Digests | undefined): Refusal {
  const before = pin.coreMetadata ?? new Map();
  return contradiction('core-metadata', `${filename}.metadata`, before, stated ?? new Map(), pin.seen);
}
