import { BoundedMap } from '../bytes/bounded-map.ts';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Clock } from '../ports/clock.ts';
import type { OfferNews, Pin, Pins } from '../ports/index-state.ts';
import type { Change } from '../pypi/changes.ts';
import type { JudgedPage } from '../pypi/listing.ts';
import { textOf } from '../pypi/losses.ts';
import { isSettled, type Observation } from './believed.ts';
import type { Reports } from './projects/reports.ts';

/** Lines of one look that the journal keeps one by one. */
const MOST_NAMED = 1000;

type KnownPins = ReadonlyMap<string, Pin>;

/** `pins`: as they were before what was observed. */
interface Known {
  readonly pins: KnownPins;
  readonly observation: Observation;
}

const BY_SIGNATURES = { project: 'the index signs no page of it', file: 'the index signs it no longer' };
const BY_IMPORT = {
  project: 'the list of all projects that was imported last lacks it',
  file: 'its page that was imported last lacks it',
};

/** What a page leaves out, by why, and what of that it names. */
interface LeftOutLines {
  readonly counts: ReadonlyMap<string, number>;
  readonly lines: readonly { readonly name: string }[];
}

/** A page as far as it says what is offered. */
export type OfferingPage = JudgedPage & { readonly leftOut?: LeftOutLines };

interface SeenRemovalsOptions {
  readonly pins: Pick<Pins, 'of' | 'offered'>;
  readonly clock: Clock;
  readonly reports: Pick<Reports, 'changed' | 'gone' | 'refused'>;
  /** True where nothing is pinned. */
  readonly reuploads: boolean;
}

/** Signed pages of which the last look is known; of others the newest pin says when that was at the earliest. */
const MOST_LOOKED = 50_000;

/**
 * What an index that signs, or that arrives by import, offers no longer: a file that has a pin and that the page of its project lacks. Its pin says so from then on, so that
 * it is told once, by one process, also across a restart; and that it is back.
 */
export class SeenRemovals {
  readonly #options: SeenRemovalsOptions;
  /** When signed pages were last seen. */
  readonly #looked = new BoundedMap<Instant>({ entries: MOST_LOOKED });
  /** As of when a carried page that was seen last says what is offered. */
  readonly #carried = new BoundedMap<Instant>({ entries: MOST_LOOKED });

  constructor(options: SeenRemovalsOptions) {
    this.#options = options;
  }

  /** A signed page was seen as it is now. Others say themselves when that was. */
  looked(project: string, { final, carried }: Observation): void {
    if (final) this.#looked.set(project, this.#options.clock.now());
    if (carried !== undefined) this.#carried.set(project, carried.asOf);
  }

  /** When this process saw a signed page last. */
  last(project: string): Instant | undefined {
    return this.#looked.get(project);
  }

  /** `pins`: as they were before this page. What it says is served whatever becomes of this: does not throw. */
  async see(page: OfferingPage, observation: Observation, pins: KnownPins): Promise<void> {
    if (isSettled(observation)) await this.#see(page.name, page, { pins, observation });
    this.looked(page.name, observation);
  }

  /** The index has no page of the project. Does not throw. */
  async gone(project: string, observation: Observation): Promise<void> {
    const { pins, reuploads } = this.#options;
    if (!isSettled(observation) || reuploads) return;
    try {
      await this.#see(project, undefined, { pins: await pins.of(project), observation });
    } catch (error) {
      this.#untold(project, error);
    }
  }

  async #see(project: string, page: OfferingPage | undefined, known: Known): Promise<void> {
    const isOffered = offerOf(page);
    if (isOffered === undefined) return;
    const isNews = [...known.pins].some(([file, { removed }]) => isOffered(file) === (removed !== undefined));
    if (!isNews) return;
    const { pins, clock } = this.#options;
    try {
      this.#tell(project, page, known, await pins.offered(project, isOffered, clock.now()));
    } catch (error) {
      this.#untold(project, error);
    }
  }

  /** It is told with the next look. */
  #untold(project: string, error: unknown): void {
    const subject = error instanceof Refusal ? (error.subject ?? 'state') : 'state';
    this.#options.reports.refused({ subject, name: project }, error);
  }

  #tell(project: string, page: OfferingPage | undefined, { pins, observation }: Known, news: OfferNews): void {
    const { reports } = this.#options;
    const says = observation.carried === undefined ? BY_SIGNATURES : BY_IMPORT;
    const { removed, returned } = news;
    const tell = (kind: Change['kind'], files: readonly string[], reason: string) => {
      for (const file of files.slice(0, MOST_NAMED))
        reports.changed(project, { kind, file, digest: textOf(pins.get(file)?.digests ?? new Map()), reason });
      if (files.length > MOST_NAMED)
        reports.changed(project, { kind, reason: 'more files', after: `${files.length} files in all` });
    };
    tell('returned', returned, 'the index offers it again');
    if (removed.length === 0) return;
    const { status, reason = 'the index says so' } = page?.projectStatus ?? {};
    const isQuarantined = status === QUARANTINED;
    if (page === undefined) reports.changed(project, { kind: 'removed', reason: says.project });
    else if (isQuarantined) reports.changed(project, { kind: 'quarantined', reason });
    else tell('removed', removed, says.file);
    reports.gone(project, {
      kind: page === undefined ? 'project' : isQuarantined ? 'quarantined' : 'files',
      files: page === undefined || isQuarantined ? 0 : removed.length,
      seconds: this.#within(project, pins, observation),
    });
  }

  /** At most so long ago it was taken away. What was carried says what was offered then, not when it was imported. */
  #within(project: string, pins: KnownPins, { carried }: Observation): number {
    const now = this.#options.clock.now();
    const asOf = carried && (this.#carried.get(project) ?? carried.before);
    return now - (asOf ?? lastSeen(pins, this.#looked.get(project)));
  }
}

/** PEP 792. */
const QUARANTINED = 'quarantined';

/** Undefined where a page leaves out more than it names: then nobody knows of a file that it lacks whether it is one of those. */
function offerOf(page: OfferingPage | undefined): ((file: string) => boolean) | undefined {
  if (page === undefined || page.projectStatus?.status === QUARANTINED) return () => false;
  const { files, leftOut } = page;
  if (leftOut === undefined) return (file) => files.has(file);
  const count = [...leftOut.counts.values()].reduce((sum, each) => sum + each, 0);
  if (count > leftOut.lines.length) return undefined;
  const named = new Set(leftOut.lines.map(({ name }) => name));
  return (file) => files.has(file) || named.has(file);
}

/** The last time that is known at which a page offered what it lacks now. */
function lastSeen(pins: KnownPins, looked: Instant | undefined): Instant {
  let last = looked ?? Number.NEGATIVE_INFINITY;
  for (const { seen } of pins.values()) if (seen > last) last = seen;
  return last;
}
