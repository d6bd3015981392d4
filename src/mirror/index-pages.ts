import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import { decodePage } from '../pypi/decode.ts';
import type { Page } from '../pypi/page.ts';
import { relink } from '../pypi/relink.ts';
import { renderPage } from '../pypi/render.ts';
import type { HeldPage } from './held.ts';
import type { Refreshed } from './index-refresh.ts';
import type { Cache, Clock, Events, Instant, PageRecord, PageStore } from './ports.ts';
import { singleFlight } from './single-flight.ts';

/** A page kept in memory, with the record it was drawn from. */
interface Kept extends HeldPage {
  readonly record: PageRecord;
}

export interface IndexPagesOptions {
  readonly index: string;
  readonly refresh: (project: string, before: PageRecord | undefined) => Promise<Refreshed>;
  readonly store: PageStore;
  /** Holds a listing to its pins. */
  readonly pin: (listing: HeldPage['listing'], record: PageRecord) => Promise<Pick<HeldPage, 'listing' | 'withheld'>>;
  readonly pageUrl: (project: string) => string;
  /** Seconds a page counts as fresh. */
  readonly maxAge: number;
  /** Seconds it may stand in for an upstream that is away. */
  readonly staleIfError: number;
  readonly clock: Clock;
  readonly events: Events;
  readonly cache: Cache<Kept>;
  /** Names upstream does not know, for a short while. */
  readonly absent: Cache<Instant>;
}

export interface IndexPages {
  warm(project: string): Page | undefined;
  held(project: string): Promise<HeldPage>;
  readonly leftOut: ReadonlyMap<string, number>;
  readonly lastConfirmed: Instant | undefined;
}

/** Served while it is refreshed behind (DESIGN §5 "Fresh enough"). Seconds. */
const WHILE_REFRESHING = 300;
/** What a client waits for a refresh where an older page could stand in. Milliseconds. */
const PATIENCE_MS = 5000;
const ABSENT_FOR = 60;
const MOST_BYTES_OF_A_NAME = 300;
const BYTES_PER_ENTRY = 1500;

/** The project pages of an index that signs nothing: one refresh however many ask, and never a false 404. */
export function createIndexPages(options: IndexPagesOptions): IndexPages {
  const { index, refresh, store, pin, pageUrl, maxAge, clock, events, cache, absent } = options;
  const flights = singleFlight<Kept | 'absent'>();
  const leftOut = new Map<string, number>();
  let lastConfirmed: Instant | undefined;

  const age = ({ record }: Kept): number => {
    const passed = clock.now() - record.confirmedAt;
    // A clock that went back makes nothing fresh.
    return passed < 0 ? Number.POSITIVE_INFINITY : passed;
  };

  const draw = async (record: PageRecord): Promise<Kept> => {
    const relinked = relink(decodePage(record.bytes, record.project), { pageUrl: pageUrl(record.project) });
    for (const [why, count] of relinked.leftOut) leftOut.set(why, (leftOut.get(why) ?? 0) + count);
    const { listing, withheld } = await pin(relinked, record);
    return { page: await renderPage(listing), listing, withheld, source: sha256Hex(record.bytes), record };
  };

  const keep = (kept: Kept): Kept => {
    cache.set(
      kept.record.project,
      kept,
      kept.page.size + kept.record.bytes.byteLength + kept.listing.files.size * BYTES_PER_ENTRY,
    );
    return kept;
  };

  /** From memory, else what was believed before this start. */
  const known = async (project: string): Promise<Kept | undefined> => {
    const kept = cache.get(project);
    if (kept !== undefined) return kept;
    const record = await store.load(project);
    return record === undefined ? undefined : keep(await draw(record));
  };

  const update = (project: string): Promise<Kept | 'absent'> =>
    flights(project, async () => {
      if (!(await store.unchanged(project))) cache.delete(project);
      const before = await known(project);
      const refreshed = await refresh(project, before?.record);
      if (refreshed === 'absent') {
        cache.delete(project);
        absent.set(project, clock.now(), MOST_BYTES_OF_A_NAME);
        return 'absent';
      }
      lastConfirmed = clock.now();
      absent.delete(project);
      const { record } = refreshed;
      return keep(before === undefined || refreshed.changed ? await draw(record) : { ...before, record });
    });

  const behind = (project: string) => {
    update(project).catch((error: unknown) => report(project, error));
  };

  const report = (project: string, error: unknown) => {
    if (error instanceof Refusal)
      events.rejected({
        index,
        reason: error.reason,
        subject: 'page',
        name: project,
        message: error.message,
        at: 'upstream',
      });
  };

  const present = (project: string, found: Kept | 'absent'): Kept => {
    if (found === 'absent')
      throw new Refusal('unlisted', `The index has no project called ${project}.`, { subject: 'page' });
    return found;
  };

  const current = (project: string): Kept | undefined => {
    const kept = cache.get(project);
    if (kept === undefined) return undefined;
    const old = age(kept);
    if (old < maxAge) return kept;
    if (old >= maxAge + WHILE_REFRESHING) return undefined;
    behind(project);
    return kept;
  };

  return {
    warm(project) {
      const kept = current(project);
      if (kept !== undefined) events.served({ index, kind: 'page', how: 'memory' });
      return kept?.page;
    },
    async held(project) {
      const kept = current(project);
      if (kept !== undefined) return kept;
      const gone = absent.get(project);
      if (gone !== undefined && clock.now() >= gone && clock.now() - gone < ABSENT_FOR)
        return present(project, 'absent');
      const stale = await known(project);
      if (stale !== undefined && age(stale) < maxAge) return stale;
      if (stale === undefined) {
        try {
          return present(project, await update(project));
        } catch (error) {
          report(project, error);
          throw error;
        }
      }
      return present(project, await standingIn(project, stale));
    },
    leftOut,
    get lastConfirmed() {
      return lastConfirmed;
    },
  };

  /** The refresh if it comes soon; the last page believed if it fails or takes long, within its time. */
  async function standingIn(project: string, stale: Kept): Promise<Kept | 'absent'> {
    const usable = age(stale) < maxAge + options.staleIfError;
    const updating = update(project);
    if (!usable) return updating;
    try {
      return await soon(updating, stale);
    } catch (error) {
      report(project, error);
      return stale;
    }
  }
}

/** Whatever comes first: the work, or the time a client waits for it. */
async function soon<T>(work: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, otherwise);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
