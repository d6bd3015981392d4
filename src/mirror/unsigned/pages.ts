import type { Background } from '../../async/background.ts';
import { internalCaller } from '../../async/caller.ts';
import { createFlights } from '../../async/flight.ts';
import { within } from '../../async/timeout.ts';
import type { Cache } from '../../bytes/bounded-map.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock, Instant } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { PageRecord, PageStore } from '../../ports/index-state.ts';
import type { PageWork } from '../../ports/page-work.ts';
import { emptied } from '../../pypi/listing.ts';
import { makePage, type Page } from '../../render/page.ts';
import type { IndexStatus } from '../package-index.ts';
import { type HeldPage, weigh } from '../tuf/proof.ts';
import { type Freshness, freshnessOf, isRecent, type Lifetimes } from './freshness.ts';
import type { IndexPins } from './pins.ts';
import type { Refreshed } from './refresh.ts';

/** A page kept in memory, with the record it was drawn from. */
export interface SeenPage extends HeldPage {
  readonly record: PageRecord;
  /** The last refresh of it failed. */
  readonly failed?: { readonly at: Instant; readonly error: unknown } | undefined;
}

export interface IndexPagesOptions extends Lifetimes {
  readonly index: string;
  readonly refresh: (project: string, before: PageRecord | undefined) => Promise<Refreshed>;
  readonly store: PageStore;
  readonly pins: Pick<IndexPins, 'hold' | 'seenAgain'>;
  readonly pageUrl: (project: string) => string;
  readonly work: Pick<PageWork, 'drawPage'>;
  readonly background?: Pick<Background, 'add'> | undefined;
  readonly clock: Clock;
  readonly events: Events;
  readonly cache: Cache<SeenPage>;
  /** Names upstream does not know, for a short while. */
  readonly absent: Cache<Instant>;
  /** Pages confirmed up to this moment are another upstream's word: not served before this one's was heard. */
  readonly notBefore?: Instant | undefined;
}

export interface IndexPages {
  warm(project: string): Page | undefined;
  held(project: string): Promise<SeenPage>;
  /** A file is not what this page says: where it came whole only once, the page may be what is wrong, and is fetched anew. */
  doubt(page: SeenPage): void;
  readonly leftOut: ReadonlyMap<string, number>;
  readonly lastConfirmed: Instant | undefined;
  readonly lastError: IndexStatus['lastError'];
}

/** What a client waits for a refresh where an older page could stand in. Milliseconds. */
const PATIENCE_MS = 5000;
/** After a refresh that failed, an older page stands in this long without another try. Seconds. */
const REST = 5;
const ABSENT_FOR = 60;
/** Changes of others (an operator's command, another process) that one refresh gives way to. */
const SUPERSEDED_MOST = 3;
const MOST_BYTES_OF_A_NAME = 300;

/** The project pages of an index that signs nothing: one refresh however many ask, and never a false 404. */
export function createIndexPages(options: IndexPagesOptions): IndexPages {
  const { index, refresh, store, pins, pageUrl, work, clock, events, cache, absent, notBefore } = options;
  const loads = createFlights<SeenPage | undefined>();
  const updates = createFlights<SeenPage | 'absent'>();
  const leftOut = new Map<string, number>();
  let lastConfirmed: Instant | undefined;
  let lastError: IndexStatus['lastError'];

  const isAnothers = ({ confirmedAt }: PageRecord): boolean => notBefore !== undefined && confirmedAt <= notBefore;
  const freshness = ({ record }: SeenPage): Freshness =>
    isAnothers(record) ? 'spent' : freshnessOf(record, options, clock.now());
  /** What a refresh begins from: another upstream's tag means nothing to this one. */
  const beginning = (record: PageRecord | undefined): PageRecord | undefined =>
    record !== undefined && isAnothers(record) ? { ...record, etag: undefined } : record;

  const draw = async (record: PageRecord): Promise<SeenPage> => {
    const { project, bytes } = record;
    const { bodies, ...drawn } = await work.drawPage(
      { project, bytes, pageUrl: record.url ?? pageUrl(project) },
      { hold: (listing) => pins.hold({ listing, record }) },
    );
    for (const [why, count] of drawn.listing.leftOut) leftOut.set(why, (leftOut.get(why) ?? 0) + count);
    // Nothing else that is made of the listing may offer what the page does not.
    const listing = drawn.hidden === true ? emptied(drawn.listing) : drawn.listing;
    return { ...drawn, listing, page: makePage(bodies).at(record.seenSerial), source: sha256Hex(bytes), record };
  };

  const keep = (seen: SeenPage): SeenPage => {
    const { project, bytes } = seen.record;
    cache.set(project, seen, weigh(seen) + bytes.byteLength);
    return seen;
  };

  /** From memory, else what was believed before this start. */
  const known = async (project: string): Promise<SeenPage | undefined> =>
    cache.get(project) ??
    loads.join(project, internalCaller(index), async () => {
      const record = await store.load(project);
      return record === undefined ? undefined : keep(await draw(record));
    });

  /** The same, but not what an operator's command has changed on disk meanwhile. */
  const current = async (project: string): Promise<SeenPage | undefined> => {
    const seen = cache.get(project);
    if (seen !== undefined && !(await store.isCurrent(seen.record))) cache.delete(project);
    return known(project);
  };

  const renew = async (project: string, before: SeenPage | undefined): Promise<SeenPage | 'absent' | 'superseded'> => {
    const refreshed = await refresh(project, beginning(before?.record));
    if (refreshed === 'superseded') return refreshed;
    lastConfirmed = clock.now();
    if (refreshed === 'absent') {
      cache.delete(project);
      absent.set(project, clock.now(), MOST_BYTES_OF_A_NAME);
      return 'absent';
    }
    absent.delete(project);
    const { record, changed } = refreshed;
    // Somebody may have taken back or replaced the pins that withhold a file.
    const elsewhere = before?.record.url !== record.url;
    if (before === undefined || changed || elsewhere || before.withheld.size > 0) return keep(await draw(record));
    const { failed: _, ...same } = before;
    if (record.twice && !before.record.twice) await pins.seenAgain({ listing: before.listing, record });
    return keep({ ...same, page: before.page.at(record.seenSerial), record });
  };

  const update = (project: string): Promise<SeenPage | 'absent'> => {
    const updating = updates.join(project, internalCaller(index), () => updateOnce(project));
    options.background?.add(updating);
    return updating;
  };

  const updateOnce = async (project: string): Promise<SeenPage | 'absent'> => {
    let before: SeenPage | undefined;
    const started = performance.now();
    const done = (result: 'changed' | 'unchanged' | 'failed') =>
      events.refreshed({ index, result, seconds: (performance.now() - started) / 1000 });
    try {
      for (let superseded = 0; ; superseded++) {
        before = await current(project);
        const now = await renew(project, before);
        if (now === 'superseded') {
          if (superseded === SUPERSEDED_MOST) throw overtaken(project);
          continue;
        }
        const same = now === 'absent' ? before === undefined : now.source === before?.source;
        done(same ? 'unchanged' : 'changed');
        return now;
      }
    } catch (error) {
      done('failed');
      if (before !== undefined) keep({ ...before, failed: { at: clock.now(), error } });
      report(project, error);
      throw error;
    }
  };

  const report = (project: string, error: unknown) => {
    if (!(error instanceof Refusal))
      return events.note({ index, message: 'a refresh failed', detail: { project, error: String(error) } });
    const { reason, message } = error;
    lastError = { reason, message, at: clock.now() };
    events.rejected({ index, reason, subject: 'page', name: project, message, at: 'upstream' });
  };

  /** The refresh that failed a moment ago would fail again. */
  const restingFrom = ({ failed }: SeenPage): { readonly error: unknown } | undefined =>
    failed !== undefined && isRecent(failed.at, REST, clock.now()) ? failed : undefined;

  const behind = (seen: SeenPage) => {
    if (restingFrom(seen) === undefined) update(seen.record.project).catch(() => undefined);
  };

  /** The refresh if it comes soon; the last page believed if it fails or takes long. */
  const standingIn = async (seen: SeenPage): Promise<SeenPage | 'absent'> => {
    if (restingFrom(seen) !== undefined) return seen;
    return within(
      PATIENCE_MS,
      update(seen.record.project).catch(() => seen),
      seen,
    );
  };

  const isAbsent = (project: string): boolean => {
    const since = absent.get(project);
    return since !== undefined && isRecent(since, ABSENT_FOR, clock.now());
  };

  const find = async (project: string): Promise<SeenPage | 'absent'> => {
    if (isAbsent(project)) return 'absent';
    const seen = await known(project);
    if (seen === undefined) return update(project);
    switch (freshness(seen)) {
      case 'fresh':
        return seen;
      case 'ageing':
        behind(seen);
        return seen;
      case 'stale':
        return standingIn(seen);
      case 'spent': {
        const resting = restingFrom(seen);
        if (resting !== undefined) throw resting.error;
        return update(project);
      }
    }
  };

  return {
    warm(project) {
      const seen = cache.get(project);
      if (seen === undefined) return undefined;
      const now = freshness(seen);
      if (now !== 'fresh' && now !== 'ageing') return undefined;
      if (now === 'ageing') behind(seen);
      events.served({ index, kind: 'page', how: 'memory' });
      return seen.page;
    },
    async held(project) {
      const found = await find(project);
      if (found === 'absent')
        throw new Refusal('unlisted', `The index has no project called ${project}.`, { subject: 'page' });
      return found;
    },
    doubt({ record }) {
      const seen = cache.get(record.project);
      if (seen === undefined || seen.record !== record || record.twice) return;
      // Without its tag the next look is a whole one, on a new connection.
      behind(keep({ ...seen, record: { ...record, etag: undefined } }));
    },
    leftOut,
    get lastConfirmed() {
      return lastConfirmed;
    },
    get lastError() {
      return lastError;
    },
  };
}

function overtaken(project: string): Refusal {
  return new Refusal('state', `What is stored of ${project} is being changed again and again. Try again in a moment.`, {
    subject: 'state',
    transient: true,
  });
}
