import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import { decodePage } from '../pypi/decode.ts';
import { LIMITS } from './limits.ts';
import type { Clock, Events, Instant, Journal, PageAnswer, PageRecord, PageStore, Upstream } from './ports.ts';
import { changesOf, isLower, type Loss, lossesOf, type Sight, unaccepted } from './second-look.ts';

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
}

/** What a refresh came to: the record to believe from now on, or that the project is not there (any more). */
export type Refreshed = { readonly record: PageRecord; readonly changed: boolean } | 'absent';

/** PEP 691, with HTML for indexes that know nothing else. */
const ACCEPT = 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01';

/** Once a day everything is fetched whole, whatever its validators say. Seconds. */
const WHOLE_EVERY = 86_400;
/** How long upstream must stand by a lower serial: longer than an edge of a CDN stays behind. Seconds. */
const LOWER_FOR = 3600;
const MOST_REGRESSED = 10_000;

/** Brings one page up to date, believing nothing that takes away or contradicts before a second look (DESIGN §2). */
export function createIndexRefresh(
  options: IndexRefreshOptions,
): (project: string, before: PageRecord | undefined) => Promise<Refreshed> {
  const { index, upstream, pageUrl, store, journal, clock, events, nameFetch } = options;
  /** Since when upstream has sent a lower serial than one seen once. */
  const lowerSince = new Map<string, Instant>();

  const ask = (
    project: string,
    request: { readonly etag?: string | undefined; readonly fresh: boolean },
  ): Promise<PageAnswer> => upstream.page(pageUrl(project), { accept: ACCEPT, limit: LIMITS.page, ...request });

  const note = (project: string, change: Omit<Parameters<Journal['note']>[0], 'at' | 'index' | 'project'>) =>
    journal.note({ at: clock.now(), index, project, ...change });

  const alarm = (project: string, losses: readonly Loss[], message: string) => {
    const reason = losses.some(({ kind }) => kind === 'digest') ? 'changed' : 'regressed';
    events.rejected({
      index,
      reason,
      subject: 'page',
      name: project,
      message: `${message}: ${lossText(losses)}`,
      at: 'upstream',
    });
  };

  /** Below the floor never; below a serial that was seen only once, when upstream has stood by it for an hour. */
  const believable = (project: string, floor: number | undefined, serial: number | undefined): boolean => {
    if (floor !== undefined && (serial ?? floor) < floor) return false;
    const now = clock.now();
    const since = lowerSince.get(project) ?? now;
    if (lowerSince.size < MOST_REGRESSED) lowerSince.set(project, since);
    return now - since >= LOWER_FOR;
  };

  const save = async (record: PageRecord, changed: boolean): Promise<Refreshed> => {
    await store.save(record);
    return { record, changed };
  };

  /** A project is gone only when a second whole look says so too. */
  const absent = async (project: string, before: PageRecord | undefined): Promise<Refreshed> => {
    if (before === undefined) return 'absent';
    const again = await ask(project, { fresh: true });
    if (again.kind !== 'absent')
      return again.kind === 'page' ? arrived(project, before, again, 'second') : { record: before, changed: false };
    await store.remove(project);
    note(project, { kind: 'removed' });
    events.note({ index, message: 'a project has disappeared upstream', detail: { project } });
    return 'absent';
  };

  const arrived = async (
    project: string,
    before: PageRecord | undefined,
    answer: Extract<PageAnswer, { kind: 'page' }>,
    look: 'first' | 'second',
  ): Promise<Refreshed> => {
    const sight = sightOf(project, answer);
    if (before === undefined) return save(recordOf(project, answer, undefined, nameFetch(), clock.now()), true);
    const same = sha256Hex(before.bytes) === sha256Hex(answer.bytes);
    // A serial is believed as a floor only once it was seen twice.
    if (same) return save(recordOf(project, answer, before, before.fetch, clock.now()), false);
    const was = { page: decodePage(before.bytes, project), serial: highest(before.serial, before.seenSerial) };
    if (isLower(was, sight) && !believable(project, before.serial, sight.serial)) {
      alarm(project, lossesOf(was, sight), 'an older page was sent; the newer one is served on');
      return { record: { ...before, confirmedAt: clock.now() }, changed: false };
    }
    lowerSince.delete(project);
    const losses = unaccepted(lossesOf(was, sight), before.accepted);
    if (losses.length > 0 && look === 'first') {
      const again = await ask(project, { fresh: true });
      const agrees = again.kind === 'page' && sha256Hex(again.bytes) === sha256Hex(answer.bytes);
      if (!agrees) {
        alarm(project, losses, 'a second look did not agree; what was believed before is served on');
        return again.kind === 'page' && sha256Hex(again.bytes) !== sha256Hex(before.bytes)
          ? { record: before, changed: false }
          : { record: { ...before, confirmedAt: clock.now() }, changed: false };
      }
      alarm(project, losses, 'believed after a second look');
      return believe(project, before, was, sight, again, true);
    }
    return believe(project, before, was, sight, answer, look === 'second');
  };

  const believe = async (
    project: string,
    before: PageRecord,
    was: Sight,
    sight: Sight,
    answer: Extract<PageAnswer, { kind: 'page' }>,
    twice: boolean,
  ): Promise<Refreshed> => {
    for (const change of changesOf(was.page, sight.page)) note(project, change);
    const record = recordOf(project, answer, undefined, nameFetch(), clock.now());
    // A serial lost for good ends the floor; otherwise it stays until a higher one was seen twice.
    const serial = twice ? answer.serial : answer.serial === undefined ? undefined : before.serial;
    return save({ ...record, twice, serial }, true);
  };

  return async (project, before) => {
    const whole = before === undefined || clock.now() - before.fetchedAt >= WHOLE_EVERY;
    const answer = await ask(project, { fresh: false, ...(whole ? {} : { etag: before.etag }) });
    if (answer.kind === 'absent') return absent(project, before);
    if (answer.kind === 'page') return arrived(project, before, answer, 'first');
    if (before === undefined || whole)
      throw new Refusal('format', 'Upstream says a page has not changed that it was not asked about.', {
        subject: 'page',
      });
    return { record: { ...before, confirmedAt: clock.now() }, changed: false };
  };
}

function sightOf(project: string, { bytes, serial }: Extract<PageAnswer, { kind: 'page' }>): Sight {
  return { page: decodePage(bytes, project), serial };
}

function recordOf(
  project: string,
  answer: Extract<PageAnswer, { kind: 'page' }>,
  same: PageRecord | undefined,
  fetch: string,
  now: number,
): PageRecord {
  const { bytes, contentType, etag, serial } = answer;
  return {
    project,
    bytes: same?.bytes ?? bytes,
    contentType,
    etag,
    serial: same === undefined ? undefined : serial === same.seenSerial ? highest(same.serial, serial) : same.serial,
    seenSerial: serial,
    fetchedAt: now,
    confirmedAt: now,
    twice: same !== undefined,
    fetch,
    accepted: same?.accepted,
  };
}

function highest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

const MOST_NAMED = 5;

function lossText(losses: readonly Loss[]): string {
  const named = losses
    .slice(0, MOST_NAMED)
    .map(
      ({ kind, file, before, after }) => `${kind}${file === undefined ? '' : ` of ${file}`} (${before} -> ${after})`,
    );
  return losses.length > MOST_NAMED ? `${named.join(', ')} and ${losses.length - MOST_NAMED} more` : named.join(', ');
}
