import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Clock, Instant } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { PageRecord, PageStore } from '../../ports/index-state.ts';
import type { Difference, PageWork } from '../../ports/page-work.ts';
import type { Journal } from '../../ports/records.ts';
import type { PageAnswer, Upstream } from '../../ports/upstream.ts';
import type { Change } from '../../pypi/changes.ts';
import { isAccepted, type Loss, lossText, sameLosses } from '../../pypi/losses.ts';
import { LIMITS } from '../limits.ts';
import { type Arrival, highest, isUnsure, sameBytes } from './record.ts';

export interface IndexRefreshOptions {
  readonly index: string;
  readonly upstream: Pick<Upstream, 'page'>;
  /** Where a project's page is upstream. */
  readonly pageUrl: (project: string) => string;
  readonly store: PageStore;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly events: Events;
  /** A name for each fetch, never used twice. */
  readonly nameFetch: () => string;
  readonly work: Pick<PageWork, 'compare'>;
}

/**
 * What a refresh came to: the record to believe from now on; that the project is not there (any more); or that somebody else
 * changed what is stored meanwhile, so that it has to begin again from that.
 */
export type Refreshed = { readonly record: PageRecord; readonly changed: boolean } | 'absent' | 'superseded';

/** PEP 691, with HTML for indexes that know nothing else. */
const ACCEPT = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01';

/** How long upstream must stand by a lower serial: longer than an edge of a CDN stays behind. Seconds. */
const LOWER_FOR = 3600;
const MOST_LOWER = 10_000;
/** Why a page is refused that is no page of the project at all. */
const UNREADABLE: ReadonlySet<Reason> = new Set(['format', 'foreign', 'limit']);

/**
 * Brings one page up to date, believing nothing that takes away or contradicts before a second look (DESIGN §2). Throws
 * Refusal where upstream cannot be believed now; what was believed before is then the caller's to serve on.
 */
export function createIndexRefresh(
  options: IndexRefreshOptions,
): (project: string, before: PageRecord | undefined) => Promise<Refreshed> {
  const { index, upstream, pageUrl, store, journal, clock, events, nameFetch, work } = options;
  /** Since when upstream has sent nothing but a serial lower than one seen once. */
  const lowerSince = new Map<string, Instant>();

  const ask = (project: string, how: { readonly etag?: string | undefined; readonly fresh: boolean }) =>
    upstream.page(pageUrl(project), { accept: ACCEPT, limit: LIMITS.page, ...how });

  const alarm = (project: string, losses: readonly Loss[], message: string) =>
    events.rejected({
      index,
      reason: reasonFor(losses),
      subject: 'page',
      name: project,
      message: `${message}: ${lossText(losses)}`,
      at: 'upstream',
    });

  const save = async (record: PageRecord, changed: boolean): Promise<Refreshed> => {
    const stored = await store.save(record);
    return stored === undefined ? 'superseded' : { record: stored, changed };
  };

  /** The arrival as a record that follows the version named. */
  const recordOf = (project: string, version: number, arrival: Arrival, fetch: string) => {
    const { bytes, contentType, etag, serial: seenSerial, maxAge } = arrival;
    const now = clock.now();
    const url = arrival.url === pageUrl(project) ? undefined : arrival.url;
    return {
      project,
      version,
      bytes,
      url,
      contentType,
      etag,
      seenSerial,
      maxAge,
      fetchedAt: now,
      confirmedAt: now,
      fetch,
    };
  };

  /** What was accepted or seen twice becomes what the next page is held to, and is written down. */
  const believe = async (record: PageRecord, changes: readonly Change[]): Promise<Refreshed> => {
    const { project } = record;
    const refreshed = await save(record, true);
    if (refreshed === 'superseded') return refreshed;
    lowerSince.delete(project);
    for (const change of changes) journal.note({ at: clock.now(), index, project, ...change });
    return refreshed;
  };

  /** A page that takes nothing away: believed at its first sight. */
  const grown = (before: PageRecord, arrival: Arrival, changes: readonly Change[] = []): Promise<Refreshed> => {
    const { project, version, serial, accepted } = before;
    if (!sameBytes(before, arrival))
      return believe({ ...recordOf(project, version, arrival, nameFetch()), serial, twice: false }, changes);
    lowerSince.delete(project);
    // A serial becomes the floor only when it was seen twice.
    const floor = arrival.serial === before.seenSerial ? highest(serial, arrival.serial) : serial;
    // The same bytes under a lower serial, or none, are no older page; downstream the serial never falls below the floor.
    const seenSerial = highest(floor, arrival.serial);
    return save(
      { ...recordOf(project, version, arrival, before.fetch), seenSerial, serial: floor, twice: true, accepted },
      false,
    );
  };

  /** Below the floor never; below a serial seen once, when upstream has stood by it for long enough. */
  const holdToSerial = ({ project, serial: floor, seenSerial }: PageRecord, { serial }: Arrival) => {
    const highestSeen = highest(floor, seenSerial);
    if (serial === undefined || highestSeen === undefined || serial >= highestSeen)
      return void lowerSince.delete(project);
    const now = clock.now();
    const since = lowerSince.get(project) ?? now;
    if (lowerSince.size < MOST_LOWER) lowerSince.set(project, since);
    if (serial < (floor ?? 0) || now - since < LOWER_FOR) throw regressed(project, serial, highestSeen);
  };

  /** What the page would take away, less what an operator has accepted; `after` is judged whole. */
  const compare = async (before: PageRecord, after: Arrival): Promise<Difference> => {
    const { project, bytes, serial, seenSerial, accepted = [] } = before;
    const seen = { bytes, serial: highest(serial, seenSerial) };
    const { losses, changes } = await work.compare(project, seen, after);
    return { losses: losses.filter((loss) => !isAccepted(loss, accepted)), changes };
  };

  const arrived = async (before: PageRecord, first: Arrival, fresh: boolean): Promise<Refreshed> => {
    const { project } = before;
    // The same bytes by the same connection are one edge's word said twice.
    if (sameBytes(before, first)) return fresh || before.twice ? grown(before, first) : confirmed(before);
    holdToSerial(before, first);
    const { losses, changes } = await compare(before, first);
    if (losses.length === 0) return grown(before, first, changes);

    const second = await ask(project, { fresh: true });
    if (second.kind !== 'page') throw disagreed(losses);
    const again = await compare(before, second);
    if (again.losses.length === 0) {
      alarm(project, losses, 'a second look did not confirm what a first one lacked');
      return grown(before, second, again.changes);
    }
    if (!sameLosses(losses, again.losses)) throw disagreed(losses);
    alarm(project, again.losses, 'believed after a second look');
    const serial = second.serial === undefined || second.serial === first.serial ? second.serial : before.serial;
    return believe(
      { ...recordOf(project, before.version, second, nameFetch()), serial, twice: sameBytes(first, second) },
      again.changes,
    );
  };

  /** A project is gone only when a second whole look says so too. */
  const disappeared = async (before: PageRecord): Promise<Refreshed> => {
    const { project } = before;
    const second = await ask(project, { fresh: true });
    if (second.kind === 'page') return arrived(before, second, true);
    if (!(await store.remove(before))) return 'superseded';
    journal.note({ at: clock.now(), index, project, kind: 'removed' });
    events.note({ index, message: 'a project has disappeared upstream', detail: { project } });
    return 'absent';
  };

  const confirmed = (before: PageRecord): Promise<Refreshed> => {
    lowerSince.delete(before.project);
    return save({ ...before, confirmedAt: clock.now() }, false);
  };

  const believed = async (project: string, before: PageRecord | undefined, arrival: Arrival, fresh: boolean) => {
    if (before !== undefined) return arrived(before, arrival, fresh);
    // One that was here before: what comes back in its place is held to the same floor.
    const gone = await store.gone(project);
    const serial = gone?.serial;
    if (serial !== undefined && (arrival.serial ?? serial) < serial) throw regressed(project, arrival.serial, serial);
    await work.compare(project, undefined, arrival);
    const record = { ...recordOf(project, gone?.version ?? 0, arrival, nameFetch()), serial, twice: false };
    return believe(record, gone === undefined ? [] : [{ kind: 'returned' }]);
  };

  /** What cannot be read may be the fault of one edge of a CDN: another connection is tried before it is said. */
  const garbled = async (project: string, before: PageRecord | undefined, error: unknown): Promise<Refreshed> => {
    if (!(error instanceof Refusal) || !UNREADABLE.has(error.reason)) throw error;
    const second = await ask(project, { fresh: true });
    if (second.kind !== 'page') throw error;
    const refreshed = await believed(project, before, second, true);
    const { reason, message } = error;
    events.rejected({ index, reason, subject: 'page', name: project, message, at: 'upstream' });
    return refreshed;
  };

  return async (project, before) => {
    const unsure = before !== undefined && isUnsure(before, clock.now());
    const etag = unsure ? undefined : before?.etag;
    const fresh = unsure || (before?.twice === false && etag === undefined);
    const answer: PageAnswer = await ask(project, { fresh, etag });
    if (answer.kind === 'absent') return before === undefined ? 'absent' : disappeared(before);
    if (answer.kind === 'page')
      return believed(project, before, answer, fresh).catch((error: unknown) => garbled(project, before, error));
    if (before === undefined) throw unasked(project);
    return confirmed(before);
  };
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
