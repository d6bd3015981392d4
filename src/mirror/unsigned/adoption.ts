import { internalCaller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CommonPages } from '../../ports/common-pages.ts';
import type { PageContent, PageFloor, PageRecord, PageStore, UnsavedPage } from '../../ports/index-state.ts';
import type { Heard } from '../../ports/newest.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { Reports } from '../projects/reports.ts';
import { highest, sameBytes } from './observation.ts';

interface AdoptionOptions {
  readonly index: string;
  readonly common: Pick<CommonPages, 'find' | 'stored' | 'isUntold'>;
  /** Our own: what is taken from others is not told to them. */
  readonly store: PageStore;
  readonly work: Pick<PageWork, 'compare'>;
  readonly clock: Clock;
  readonly reports: Pick<Reports, 'changes'>;
}

/** A page of another replica, which is stored when it is drawn. */
interface Taken {
  readonly record: PageRecord;
  readonly unsaved: UnsavedPage;
}

/** What became of a page that is held: as it is believed from now on. */
interface Held {
  readonly record: PageRecord;
  readonly heard: Heard;
}

/**
 * Takes over pages that other replicas of this mirror believe. They looked at upstream as this one would have, so that their word is as good
 * as our own; but whoever writes where they lie can put back an older one, so that nothing that is known here is lowered by one: not
 * a serial, and where no serial tells which is newer, not what a page says.
 */
export class Adoption {
  readonly #options: AdoptionOptions;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** For a project of which no page is held. */
  async first(project: string): Promise<Taken | undefined> {
    const { common, store } = this.#options;
    const page = (await common.find(project))?.page;
    if (page === undefined || page.letGo !== undefined) return undefined;
    const left = await store.left(project);
    const gone = await store.gone(project);
    if ((left !== undefined && !follows(page, left)) || (gone !== undefined && !isBack(page, gone))) return undefined;
    const record = { ...this.#own(page, left), version: left?.version ?? gone?.version ?? 0 };
    try {
      return await store.prepare(record, () => undefined);
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }

  /** For one that is held. `unusable`: upstream is to be asked which is right. */
  async newer(held: PageRecord): Promise<Held> {
    const { common } = this.#options;
    const state = await common.find(held.project);
    if (state === undefined)
      return common.isUntold(held.project) ? this.#retold(held) : { record: held, heard: 'unusable' };
    const { page } = state;
    if (page === undefined)
      return { record: held, heard: (state.gone?.serial ?? 0) < (seenOf(held) ?? 0) ? 'older' : 'unusable' };
    if (page.letGo !== undefined) return { record: held, heard: 'known' };
    if (sameBytes(held, page)) return this.#confirmed(held, page);
    const [theirs, ours] = [seenOf(page), seenOf(held)];
    if (theirs !== undefined && ours !== undefined && theirs < ours) {
      common.stored(held.project, { page: held });
      return { record: held, heard: 'older' };
    }
    const { losses, changes } = await this.#compare(held, page);
    const isNewer = theirs !== undefined && ours !== undefined && theirs > ours;
    if (!isNewer && losses > 0) return { record: held, heard: 'unusable' };
    const next = await this.#save({ ...this.#own(page, held), version: held.version }, held);
    if (next.heard === 'newer')
      this.#options.reports.changes(held.project, changes, this.#options.clock.now() - held.confirmedAt);
    return next;
  }

  /** The same page: what others saw of it since counts. */
  async #confirmed(held: PageRecord, page: PageContent): Promise<Held> {
    const { serial, seenSerial, confirmedAt } = this.#own(page, held);
    const next = { ...held, serial, seenSerial, twice: held.twice || page.twice };
    const isRaised = serial !== held.serial || seenSerial !== held.seenSerial || next.twice !== held.twice;
    if (!isRaised && this.#options.common.isUntold(held.project)) return this.#retold(held);
    if (!isRaised && confirmedAt <= held.confirmedAt) return { record: held, heard: 'known' };
    const saved = await this.#save({ ...next, confirmedAt: Math.max(held.confirmedAt, confirmedAt) }, held);
    return isRaised ? saved : { ...saved, heard: 'known' };
  }

  /** Others were not told of it when it was stored. */
  #retold(held: PageRecord): Held {
    this.#options.common.stored(held.project, { page: held });
    return { record: held, heard: 'known' };
  }

  async #save(record: PageRecord, held: PageRecord): Promise<Held> {
    try {
      const saved = await this.#options.store.save(record);
      // Whoever was quicker has it from upstream.
      return saved === undefined ? { record: held, heard: 'unusable' } : { record: saved, heard: 'newer' };
    } catch (error) {
      if (error instanceof Refusal) return { record: held, heard: 'unusable' };
      throw error;
    }
  }

  /** No floor falls, and a clock elsewhere that is ahead makes nothing fresher. */
  #own(page: PageContent, floor: Pick<PageContent, 'serial' | 'seenSerial'> | undefined): PageContent {
    const { accepted: _, ...rest } = page;
    const now = this.#options.clock.now();
    const serial = highest(page.serial, floor?.serial);
    return {
      ...rest,
      serial,
      seenSerial: highest(highest(page.seenSerial, floor?.seenSerial), serial),
      fetchedAt: Math.min(page.fetchedAt, now),
      confirmedAt: Math.min(page.confirmedAt, now),
    };
  }

  async #compare(held: PageRecord, page: PageContent) {
    const { work, index } = this.#options;
    const seen = { bytes: held.bytes, serial: seenOf(held) };
    const after = { ...page, serial: page.seenSerial, url: page.url ?? '' };
    try {
      const { losses, changes } = await work.compare(held.project, seen, after, internalCaller(index));
      return { losses: losses.length, changes };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { losses: 1, changes: [] };
    }
  }
}

function seenOf({ serial, seenSerial }: Pick<PageContent, 'serial' | 'seenSerial'>): number | undefined {
  return highest(serial, seenSerial);
}

/** After one that was let go, of which only some is known. */
function follows(page: PageContent, left: PageRecord): boolean {
  if (sameBytes(left, page)) return true;
  const [theirs, ours] = [seenOf(page), seenOf(left)];
  return theirs !== undefined && ours !== undefined && theirs > ours;
}

/** After the project was gone: newer than that, for certain. */
function isBack(page: PageContent, { serial }: PageFloor): boolean {
  const theirs = seenOf(page);
  return theirs !== undefined && serial !== undefined && theirs > serial;
}
