import type { Instant } from '../../bytes/instant.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import { type Entry, timeOf } from '../format/model.ts';
import { UNSIGNED } from './beside.ts';
import type { Judged } from './judge.ts';
import type { ImportPlace } from './place.ts';

/** Where advisories go that a bundle brings: they are the site's, and no index's. */
export interface FeedPlace {
  /** Why none is taken, whatever a bundle brings; undefined where they are. */
  readonly closed: string | undefined;
  /** False where they are those in force. Throws Refusal where they may not take the place of those, which then stay. */
  take(archive: Pick<Blob, 'bytes'>): Promise<boolean>;
}

/** What became of the advisories of a bundle. */
export interface FeedTold {
  /** Where the sender has them from. */
  readonly from: string | undefined;
  /** When the newest of them was changed, by the sender's word. */
  readonly newest: Instant | undefined;
  /** `left`: those in force stay. `untried`: this only checked. */
  readonly became: 'taken' | 'here' | 'left' | 'untried';
  /** Of what is left. */
  readonly reason: Reason | undefined;
  readonly why: string | undefined;
  /** Nothing is wrong with what is left: the same bundle brings it once what is wrong here is mended. */
  readonly again: boolean;
}

const LATER = 'a later bundle was imported; a complete one (exported without --since) brings those of now';

/** Takes them once the bundle is in force: before that nothing of it is believed. What is wrong with them takes nothing from the rest. */
export async function takeFeed(place: ImportPlace, judged: Judged, entry: Entry, isNewest: boolean): Promise<FeedTold> {
  const closed = closedTo(place, judged);
  if (closed !== undefined) return left(entry, 'policy', closed);
  if (!isNewest) return left(entry, 'rollback', LATER);
  const archive = await place.store.content(entry);
  if (archive === undefined) return { ...left(entry, 'state', 'they are not here any more'), again: true };
  try {
    return told(entry, (await place.feed.take(archive)) ? 'taken' : 'here');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...left(entry, error.reason, error.message), again: error.transient };
  }
}

/** The same as far as it can be told without taking them. */
export function rehearsedFeed(place: ImportPlace, judged: Judged, entry: Entry): FeedTold {
  const closed = closedTo(place, judged);
  return closed === undefined ? told(entry, 'untried') : left(entry, 'policy', closed);
}

/** They decide what is refused here, and nothing proves them but who sent them. */
function closedTo({ feed }: ImportPlace, { key }: Judged): string | undefined {
  return key === undefined ? UNSIGNED : feed.closed;
}

function told({ url: from, confirmed }: Entry, became: FeedTold['became']): FeedTold {
  const newest = confirmed === undefined ? undefined : timeOf(confirmed);
  return { from, newest, became, reason: undefined, why: undefined, again: false };
}

function left(entry: Entry, reason: Reason, why: string): FeedTold {
  return { ...told(entry, 'left'), reason, why };
}
