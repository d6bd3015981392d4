import type { Caller } from '../../async/caller.ts';
import type { Instant } from '../../bytes/instant.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PageRecord, PageStore, UnsavedPage } from '../../ports/index-state.ts';
import type { Difference, PageWork } from '../../ports/page-work.ts';
import type { Change } from '../../pypi/changes.ts';
import { isAccepted, type Loss, lossText, sameLosses } from '../../pypi/losses.ts';
import type { Oddity } from '../../pypi/project-page.ts';
import type { Reports } from '../projects/reports.ts';
import { type Arrival, asArrival, highest, isUnsure, sameBytes } from './observation.ts';
import type { How, PagePlaces } from './places.ts';

export interface RefreshOptions {
  readonly places: PagePlaces;
  readonly store: PageStore;
  readonly clock: Clock;
  readonly reports: Reports;
  /** A name for each fetch, never used twice. */
  readonly nameFetch: () => string;
  readonly work: Pick<PageWork, 'compare'>;
}

/**
 * What a refresh came to: the record to believe from now on; that the project is not there (any more); or that somebody else
 * changed what is stored meanwhile, so that it has to begin again from that.
 */
export type Refreshed = Believable | 'absent' | 'superseded';

interface Believable {
  readonly record: PageRecord;
  /** Where it is not stored yet. */
  readonly unsaved?: UnsavedPage;
}

/** How long upstream must stand by a lower serial: longer than an edge of a CDN stays behind. Seconds. */
const LOWER_FOR = 3600;
const MOST_LOWER = 10_000;
/** Why a page is refused that is no page of the project at all. */
const UNREADABLE: ReadonlySet<Reason> = new Set(['format', 'foreign', 'limit']);

/** One refresh of one page. */
interface Round {
  readonly project: string;
  /** Where its page was last. */
  readonly known: string | undefined;
  /** One is held. */
  readonly held: boolean;
  readonly caller: Caller;
}

/** Brings pages up to date, believing nothing that takes away or contradicts before a second look. */
export class PageRefresh {
  readonly #options: RefreshOptions;
  /** Since when upstream has sent nothing but a serial lower than one seen once. */
  readonly #lowerSince = new Map<string, Instant>();

  constructor(options: RefreshOptions) {
    this.#options = options;
  }

  /**
   * Throws Refusal where upstream cannot be believed now; what was believed before is then the caller's to serve on. A page that was let
   * go holds the next one to all that it said.
   */
  async refresh(project: string, held: PageRecord | undefined, caller: Caller): Promise<Refreshed> {
    const before = held ?? (await this.#options.store.left(project));
    const round = { project, known: before?.url, held: before !== undefined, caller };
    const unsure = before !== undefined && isUnsure(before, this.#options.clock.now());
    const etag = unsure ? undefined : before?.etag;
    const fresh = unsure || (before?.twice === false && etag === undefined);
    const answer = await this.#ask(round, { fresh, etag });
    if (answer.kind === 'absent') return before === undefined ? 'absent' : this.#disappeared(round, before);
    if (answer.kind === 'document')
      return this.#arrived(round, before, answer, fresh).catch((error: unknown) => this.#garbled(round, before, error));
    if (before === undefined || before.letGo !== undefined) throw unasked(project);
    return this.#confirmed(before);
  }

  async #ask({ project, known, held, caller }: Round, how: How) {
    const answer = await this.#options.places.page(project, { ...how, known, held }, caller);
    return answer.kind === 'document' ? asArrival(answer) : answer;
  }

  async #arrived(round: Round, before: PageRecord | undefined, arrival: Arrival, fresh: boolean): Promise<Refreshed> {
    return before === undefined ? this.#firstSeen(round, arrival) : this.#seenAgain(round, before, arrival, fresh);
  }

  async #firstSeen({ project, caller }: Round, arrival: Arrival): Promise<Refreshed> {
    const { store, work } = this.#options;
    // One that was here before: what comes back in its place must not be below the same floor.
    const gone = await store.gone(project);
    const serial = gone?.serial;
    if (serial !== undefined && (arrival.serial ?? serial) < serial)
      throw this.#heldBack(project, arrival.serial, serial);
    const { odd } = await work.compare(project, undefined, arrival, caller);
    const arrived = this.#recordOf(project, gone?.version ?? 0, arrival, this.#options.nameFetch());
    this.#tell(project, arrival, odd);
    const changes: readonly Change[] = gone === undefined ? [] : [{ kind: 'returned' }];
    return this.#believe({ ...arrived, serial, twice: false }, changes, arrived.confirmedAt);
  }

  async #seenAgain(round: Round, last: PageRecord, first: Arrival, fresh: boolean): Promise<Refreshed> {
    const before = wholeAgain(last, first);
    // The same bytes by the same connection are one edge's word said twice.
    if (sameBytes(before, first)) return fresh || before.twice ? this.#grown(before, first) : this.#confirmed(before);
    this.#refuseLowerSerial(before, first);
    const { losses, changes, odd } = await this.#compare(round, before, first);
    this.#tell(round.project, first, odd);
    return losses.length === 0 ? this.#grown(before, first, changes) : this.#secondLook(round, before, first, losses);
  }

  async #secondLook(round: Round, before: PageRecord, first: Arrival, losses: readonly Loss[]): Promise<Refreshed> {
    const { project } = round;
    const second = await this.#ask(round, { fresh: true });
    if (second.kind !== 'document') throw disagreed(losses);
    const again = await this.#compare(round, before, second);
    if (again.losses.length === 0) {
      this.#alarm(project, losses, 'a second look did not confirm what a first one lacked');
      return this.#grown(before, second, again.changes);
    }
    if (!sameLosses(losses, again.losses)) throw disagreed(losses);
    this.#alarm(project, again.losses, 'believed after a second look');
    const serial = second.serial === undefined || second.serial === first.serial ? second.serial : before.serial;
    const twice = sameBytes(first, second);
    const fetch = this.#options.nameFetch();
    const record = this.#recordOf(project, before.version, second, fetch);
    return this.#believe({ ...record, serial, twice }, again.changes, before.confirmedAt);
  }

  /** A page that takes nothing away: believed at its first sight. */
  #grown(before: PageRecord, arrival: Arrival, changes: readonly Change[] = []): Promise<Refreshed> {
    const { project, version, serial, accepted } = before;
    if (!sameBytes(before, arrival)) {
      const record = this.#recordOf(project, version, arrival, this.#options.nameFetch());
      return this.#believe({ ...record, serial, twice: false }, changes, before.confirmedAt);
    }
    this.#lowerSince.delete(project);
    // A serial becomes the floor only when it was seen twice.
    const floor = arrival.serial === before.seenSerial ? highest(serial, arrival.serial) : serial;
    // The same bytes under a lower serial, or none, are no older page; downstream the serial never falls below the floor.
    const seenSerial = highest(floor, arrival.serial);
    const record = this.#recordOf(project, version, arrival, before.fetch);
    return this.#save({ ...record, bytes: before.bytes, seenSerial, serial: floor, twice: true, accepted });
  }

  /** A project is gone only when a second whole look says so too. */
  async #disappeared(round: Round, before: PageRecord): Promise<Refreshed> {
    const { project } = round;
    const second = await this.#ask(round, { fresh: true });
    if (second.kind === 'document') return this.#seenAgain(round, before, second, true);
    if (!(await this.#options.store.remove(before))) return 'superseded';
    const { reports, clock } = this.#options;
    reports.changes(project, [{ kind: 'removed' }], clock.now() - before.confirmedAt);
    reports.noted('a project has disappeared upstream', { project });
    return 'absent';
  }

  /** What cannot be read may be the fault of one edge of a CDN: another connection is tried before it is said. */
  async #garbled(round: Round, before: PageRecord | undefined, error: unknown): Promise<Refreshed> {
    if (!(error instanceof Refusal) || !UNREADABLE.has(error.reason)) throw error;
    const second = await this.#ask(round, { fresh: true });
    if (second.kind !== 'document') throw error;
    const refreshed = await this.#arrived(round, before, second, true);
    this.#options.reports.refused({ subject: 'page', name: round.project }, error);
    return refreshed;
  }

  #confirmed(before: PageRecord): Promise<Refreshed> {
    this.#lowerSince.delete(before.project);
    return this.#save({ ...before, confirmedAt: this.#options.clock.now() });
  }

  /** Below the floor never; below a serial seen once, when upstream has stood by it for long enough. */
  #refuseLowerSerial({ project, serial: floor, seenSerial }: PageRecord, { serial }: Arrival): void {
    const highestSeen = highest(floor, seenSerial);
    if (serial === undefined || highestSeen === undefined || serial >= highestSeen) {
      this.#lowerSince.delete(project);
      return;
    }
    const now = this.#options.clock.now();
    const since = Math.min(this.#lowerSince.get(project) ?? now, now);
    if (this.#lowerSince.size < MOST_LOWER) this.#lowerSince.set(project, since);
    if (now - since < LOWER_FOR) throw regressed(project, serial, highestSeen);
    if (serial < (floor ?? 0)) throw this.#heldBack(project, serial, highestSeen);
  }

  /** Refused for as long as upstream says so: an operator may let it through. */
  #heldBack(project: string, serial: number | undefined, seen: number): Refusal {
    const after = String(serial ?? 'none');
    this.#options.reports.heldBack(project, { reason: 'regressed', before: String(seen), after });
    return regressed(project, serial, seen);
  }

  /** What the page would take away, less what an operator has accepted; `after` is judged whole. */
  async #compare({ caller }: Round, before: PageRecord, after: Arrival): Promise<Difference> {
    const { project, bytes, serial, seenSerial, accepted = [] } = before;
    const seen = { bytes, serial: highest(serial, seenSerial) };
    const { losses, changes, odd } = await this.#options.work.compare(project, seen, after, caller);
    return { losses: losses.filter((loss) => !isAccepted(loss, accepted)), changes, odd };
  }

  /** What was accepted or seen twice becomes what the next page must not fall below; it is written down with its pins. */
  async #believe(record: PageRecord, changes: readonly Change[], since: Instant): Promise<Refreshed> {
    const { project } = record;
    const { store, reports } = this.#options;
    const prepared = await store.prepare(record, () => {
      this.#lowerSince.delete(project);
      reports.changes(project, changes, record.confirmedAt - since);
    });
    return prepared ?? 'superseded';
  }

  async #save(record: PageRecord): Promise<Refreshed> {
    const saved = await this.#options.store.save(record);
    return saved === undefined ? 'superseded' : { record: saved };
  }

  /** The arrival as a record that follows the version named. */
  #recordOf(project: string, version: number, arrival: Arrival, fetch: string) {
    const { bytes, contentType, etag, serial: seenSerial, maxAge } = arrival;
    const now = this.#options.clock.now();
    const url = arrival.url === this.#options.places.urlOf(project) ? undefined : arrival.url;
    const times = { fetchedAt: now, confirmedAt: now };
    return { project, version, bytes, url, contentType, etag, seenSerial, maxAge, ...times, fetch };
  }

  /** A page that is not as its norm wants it and is taken all the same, as installers take it: once a change. */
  #tell(project: string, { odd }: Arrival, more: readonly Oddity[]): void {
    const all = [...odd, ...more];
    if (all.length > 0)
      this.#options.reports.noted('a page is odd, and is taken as installers take it', {
        project,
        odd: all.join(', '),
      });
  }

  #alarm(project: string, losses: readonly Loss[], message: string): void {
    const alarm = new Refusal(reasonFor(losses), `${message}: ${lossText(losses)}`, { subject: 'page' });
    this.#options.reports.refused({ subject: 'page', name: project }, alarm);
  }
}

/** A page that was let go, where what came is that very page. */
function wholeAgain(last: PageRecord, arrival: Arrival): PageRecord {
  if (last.letGo === undefined || !sameBytes(last, arrival)) return last;
  const { bytes, contentType, maxAge } = arrival;
  return { ...last, bytes, contentType, maxAge, letGo: undefined };
}

function reasonFor(losses: readonly Loss[]): 'changed' | 'regressed' {
  return losses.some(({ kind }) => kind === 'digest') ? 'changed' : 'regressed';
}

function regressed(project: string, serial: number | undefined, seen: number): Refusal {
  return new Refusal(
    'regressed',
    `Upstream sent an older page of ${project}: serial ${serial}, where ${seen} was seen before.`,
    { subject: 'page' },
  );
}

function disagreed(losses: readonly Loss[]): Refusal {
  return new Refusal(reasonFor(losses), `Two looks at upstream disagree: ${lossText(losses)}.`, { subject: 'page' });
}

function unasked(project: string): Refusal {
  return new Refusal('format', `Upstream says that a page of ${project} it was not asked about has not changed.`, {
    subject: 'page',
  });
}
