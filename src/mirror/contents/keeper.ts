import { type Caller, internalCaller } from '../../async/caller.ts';
import { createFlights, type Flights } from '../../async/flight.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { birthOf } from '../../policy/birth.ts';
import { wheelsBefore } from '../../policy/contents/new-startup.ts';
import { keptOf } from '../../policy/contents/of-file.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Inside } from '../../ports/contents/inside.ts';
import type { ContentsOfProject, KeptContents } from '../../ports/contents/kept.ts';
import type { Emit } from '../../ports/events.ts';
import type { FileWork } from '../../ports/file-work.ts';
import type { IndexState, Pins } from '../../ports/index-state.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';
import type { FactSource } from '../policy/fact-source.ts';
import { earlierWheels, isSmallWheel, nextFiles } from './choice.ts';
import { BYTES_PER_FILE, EARLIER, MEMORY, MOST_TRIED, TRIED_FOR } from './limits.ts';
import { lookInto, missing, type Needs } from './look.ts';

/** What conditions want to know of files. */
export interface Wanted {
  readonly needs: Needs;
  /** A file may be held back for what is in it: it is looked into before its first byte. */
  readonly holds: boolean;
  /** What was not looked into is held back: it is fetched for that. */
  readonly holdsUnjudged: boolean;
}

export interface ContentsOptions {
  readonly index: string;
  readonly state: Pick<IndexState, 'contents'>;
  readonly pins: Pick<Pins, 'of'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly emit: Emit;
  /** As the policy is now. */
  readonly wanted: () => Wanted;
  /** Undefined for who only reads what is known. */
  readonly work: Pick<FileWork, 'startupFiles'> | undefined;
}

interface Known {
  readonly contents: ContentsOfProject;
  readonly version: string;
}

const NOTHING: ContentsOfProject = new Map();

/** Keeps what was found in the files of each project, and finds it out. */
export class ContentsKeeper implements FactSource<'contents'> {
  readonly name = 'contents';
  readonly #options: ContentsOptions;
  readonly #known = new BoundedMap<Known>({ bytes: MEMORY });
  readonly #tried = new BoundedMap<Instant>({ entries: MOST_TRIED });
  readonly #flights: Flights<void> = createFlights();
  readonly #background = new Set<string>();
  #inside: Inside | undefined;

  constructor(options: ContentsOptions) {
    this.#options = options;
  }

  seeInside(inside: Inside): void {
    // Who only reads finds nothing out.
    if (this.#options.work !== undefined) this.#inside = inside;
  }

  version(project: string): string {
    return this.#isWanted ? (this.#known.get(project)?.version ?? 'unread') : '';
  }

  of(project: string): ContentsOfProject | undefined {
    return this.#known.get(project)?.contents;
  }

  async recall(project: string): Promise<void> {
    if (this.#isWanted && !this.#known.has(project)) await this.follow(project);
  }

  async follow(project: string): Promise<void> {
    if (this.#isWanted) this.#keep(project, (await this.#options.state.contents(project).read())?.value ?? NOTHING);
  }

  /** Behind the answer: one look at a project at a time. */
  looked(listing: Listing): void {
    const project = listing.name;
    const inside = this.#inside;
    if (inside === undefined || this.#background.has(project)) return;
    // What is held back until it was looked into is looked at by and by, however old: each look draws the page again.
    const all = this.#options.wanted().holdsUnjudged;
    const files = nextFiles(listing, { all, isWanted: (file) => this.#isToLookAt(project, file, 'listed') });
    if (files.length === 0) return;
    this.#background.add(project);
    const caller = internalCaller(this.#options.index, 'contents');
    const look = async () => {
      for (const file of files) {
        const isHeld = await inside.isHeld(project, file, caller);
        const isWanted = isHeld || (this.#options.wanted().holdsUnjudged && this.#isUnlooked(project, file));
        const blob = isWanted && isSmallWheel(file) ? await this.#open(project, file, caller) : undefined;
        await this.#look(project, file, blob, caller);
        if (blob !== undefined && this.#options.wanted().holds) await this.#lookAtEarlier(project, file, caller);
      }
    };
    look()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#background.delete(project));
  }

  async learn(project: string, file: OwnFile, blob: Blob, caller: Caller): Promise<void> {
    const { index, wanted } = this.#options;
    const { holds } = wanted();
    const inside = this.#inside;
    if (inside === undefined || !this.#isWanted) return;
    await this.recall(project);
    const look = async (by: Caller) => {
      if (await inside.isBelied(file, blob, by)) await this.#lookAnew(project, file, blob, by);
      // Twice: the look behind a page, which this one may have joined, had no bytes.
      for (let left = 2; left > 0 && this.#isToLookAt(project, file, blob.sha256); left--)
        await this.#look(project, file, blob, by);
      await this.#lookAtEarlier(project, file, by);
    };
    if (holds) return look(caller);
    look(internalCaller(index, 'contents')).catch((error: unknown) => this.#failed(error));
  }

  /** What has something to compare, and nothing to compare it with, has one of the wheels before it looked into. */
  async #lookAtEarlier(project: string, file: OwnFile, caller: Caller): Promise<void> {
    const all = this.#contents(project);
    const kept = keptOf(file, all);
    const hasSome = kept?.startup?.length !== undefined && kept.startup.length > 0;
    if (this.#inside === undefined || kept === undefined || !hasSome) return;
    if (wheelsBefore(file.entry.filename, kept, all).length > 0 || this.#wasTried(project, file, 'earlier')) return;
    const listing = await this.#inside.listing(project, caller);
    for (const earlier of earlierWheels(listing, file).slice(0, EARLIER)) {
      const blob = await this.#open(project, earlier, caller);
      if (blob === undefined) continue;
      await this.#look(project, earlier, blob, caller);
      return;
    }
    this.#tried.set(triedKey(project, file, 'earlier'), this.#options.clock.now());
  }

  async #open(project: string, file: OwnFile, caller: Caller): Promise<Blob | undefined> {
    try {
      return await this.#inside?.open(project, file, caller);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return undefined;
    }
  }

  /** Once at a time, and not again soon where something could not be found out. `by`: what is at hand to look into. */
  async #look(project: string, file: OwnFile, blob: Blob | undefined, caller: Caller): Promise<void> {
    const { work, wanted, pins, clock } = this.#options;
    const { needs } = wanted();
    const inside = this.#inside;
    const { filename } = file.entry;
    const sha256 = blob?.sha256 ?? file.entry.digests.get('sha256');
    if (inside === undefined || work === undefined || sha256 === undefined) return;
    await this.#flights.join(`${project} ${filename}`, caller, async (shared) => {
      const now = clock.now();
      const before = this.#before(project, filename, sha256);
      if (!isAny(missing(needs, before, { file, now }))) return;
      const born = birthOf(file, (await pins.of(project)).get(filename), now)?.at ?? now;
      const looked = { project, file, blob, sha256, before, born, now };
      await this.#remember(project, filename, await lookInto({ needs, inside, work }, looked, shared));
      // Not before: who asks for the file in the meantime waits for this look.
      this.#tried.set(triedKey(project, file, blob?.sha256 ?? 'listed'), now);
    });
  }

  /** What was read out of core metadata that the file does not hold is forgotten: it is what the file says, or nothing. */
  async #lookAnew(project: string, file: OwnFile, blob: Blob, caller: Caller): Promise<void> {
    const { work, wanted, clock } = this.#options;
    const inside = this.#inside;
    const { filename } = file.entry;
    const { sha256 } = blob;
    if (inside === undefined || work === undefined) return;
    // Behind a look that began before anybody knew.
    for (let isOwn = false; !isOwn; )
      await this.#flights.join(`${project} ${filename}`, caller, async (shared) => {
        isOwn = true;
        const known = this.#before(project, filename, sha256);
        if (known === undefined) return;
        const before = { ...known, licence: undefined, differs: undefined };
        const looked = { project, file, blob, sha256, before, born: known.born, now: clock.now() };
        const found = await lookInto({ needs: wanted().needs, inside, work }, looked, shared);
        if (!isSameFinding(found, known)) await this.#write(project, filename, found);
      });
  }

  async #remember(project: string, filename: string, found: KeptContents): Promise<void> {
    if (found.licence === undefined && found.differs === undefined && found.startup === undefined) return;
    await this.#write(project, filename, found);
  }

  async #write(project: string, filename: string, found: KeptContents): Promise<void> {
    const stored = await this.#options.state
      .contents(project)
      .change((was) => new Map([...(was?.value ?? NOTHING), [filename, found]]));
    if (stored !== undefined) this.#keep(project, stored.value);
  }

  #before(project: string, filename: string, sha256: string): KeptContents | undefined {
    const kept = this.#contents(project).get(filename);
    return kept?.file === sha256 ? kept : undefined;
  }

  #contents(project: string): ContentsOfProject {
    return this.#known.get(project)?.contents ?? NOTHING;
  }

  #isUnlooked(project: string, file: OwnFile): boolean {
    const now = this.#options.clock.now();
    return missing(this.#options.wanted().needs, keptOf(file, this.#contents(project)), { file, now }).startup;
  }

  #isToLookAt(project: string, file: OwnFile, by: string): boolean {
    const { wanted, clock } = this.#options;
    const { needs } = wanted();
    const left = missing(needs, keptOf(file, this.#contents(project)), { file, now: clock.now() });
    return isAny(left) && !this.#wasTried(project, file, by);
  }

  #wasTried(project: string, file: OwnFile, by: string): boolean {
    const now = this.#options.clock.now();
    const tried = this.#tried.get(triedKey(project, file, by));
    return tried !== undefined && now < tried + TRIED_FOR && now >= tried;
  }

  #keep(project: string, contents: ContentsOfProject): void {
    this.#known.set(project, { contents, version: versionOf(contents) }, BYTES_PER_FILE * (1 + contents.size));
  }

  get #isWanted(): boolean {
    return isAny(this.#options.wanted().needs);
  }

  #failed(error: unknown): void {
    // The page is judged by what is known; the next look finds out more.
    if (!(error instanceof Refusal)) this.#options.emit({ name: 'faulted', at: 'answer', error });
  }
}

function isAny({ licence, differs, startup }: Needs): boolean {
  return licence || differs || startup;
}

function isSameFinding({ at: _, ...one }: KeptContents, { at: __, ...other }: KeptContents): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function triedKey(project: string, { entry }: OwnFile, by: string): string {
  return `${project} ${entry.filename} ${entry.digests.get('sha256') ?? ''} ${by}`;
}

/** Of all that rules look at. */
function versionOf(contents: ContentsOfProject): string {
  if (contents.size === 0) return '';
  const seen = [...contents].map(([name, { at: _, ...found }]) => [name, found]);
  return sha256Hex(Buffer.from(JSON.stringify(seen))).slice(0, 32);
}
